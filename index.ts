import * as pulumi from "@pulumi/pulumi";
import { deriveSite, formatProblem, loadClusterFile, UserError, type Site } from "./config/index.ts";
import { TARGETS } from "./config/targets.ts";
import { dev } from "./stacks/dev.ts";
import { workstation } from "./stacks/workstation.ts";

/** Runs the target that this stack's configuration names and returns its outputs. */
async function run(): Promise<pulumi.Inputs> {
  const config = new pulumi.Config("ai-how");
  const target = config.require("target");
  if (!TARGETS.some((known) => known === target)) {
    throw new UserError(
      `Pulumi.${pulumi.getStack()}.yaml: ai-how:target: ${target} is not one of ${TARGETS.join(", ")}`,
    );
  }
  if (target !== "dev" && target !== "workstation") {
    throw new UserError(`the target ${target} is not there yet; \`dev\` and \`workstation\` are`);
  }
  const machines = config.get("machines");
  if (machines !== undefined && machines !== "vm" && machines !== "container") {
    throw new UserError(
      `Pulumi.${pulumi.getStack()}.yaml: ai-how:machines: ${machines} is neither vm nor container`,
    );
  }
  const site = loadSite(config.require("clusterFile"), machines);
  if (target === "dev") return dev(site);
  return workstation(site, {
    libvirtUri: config.get("libvirtUri") ?? "qemu:///system",
    dockerHost: config.get("dockerHost"),
  });
}

function loadSite(file: string, machines: Site["machines"] | undefined): Site {
  const { config, warnings } = loadClusterFile(file, machines === undefined ? {} : { machines });
  for (const warning of warnings) void pulumi.log.warn(formatProblem(warning));
  return deriveSite(config);
}

/** Reports a `UserError` as plain lines, without a stack trace. */
async function guarded() {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UserError) throw new pulumi.RunError([error.message, ...error.details].join("\n"));
    throw error;
  }
}

export default await guarded();
