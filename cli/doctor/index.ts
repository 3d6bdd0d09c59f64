import type { Command } from "commander";
import { resolve } from "node:path";
import { styleText } from "node:util";
import { deriveSite, loadClusterFile, type Site } from "../../config/index.ts";
import { UserError } from "../../config/errors.ts";
import { findRoot, plainStackValue } from "../../engine/project.ts";
import { diagnoseDev } from "./dev.ts";
import type { Finding } from "./finding.ts";
import { diagnoseGpus } from "./gpu.ts";
import { GpuHost } from "./gpu-host.ts";
import { Host } from "./host.ts";
import { diagnoseWorkstation } from "./workstation/index.ts";

/** `doctor [stack]` and `doctor gpu`: says what this host lacks, with a remedy for each failure. Exits with 1 if a check fails. */
export function addDoctor(program: Command): void {
  const doctor = program
    .command("doctor")
    .description("check that this host has what a stack needs; changes nothing")
    .argument("[stack]", "the stack", "dev")
    .option("--json", "as JSON: {stack, passed, failures, findings}")
    .action(async (stack: string, options: DoctorOptions) => {
      report(await diagnose(findRoot(process.cwd()), stack), { stack }, options);
    });
  doctor
    .command("gpu")
    .description(
      "check everything between this host's NVIDIA GPUs and a container that uses them; changes nothing",
    )
    .option("--json", "as JSON: {passed, failures, findings}")
    .action(async (_options: unknown, command: Command) => {
      report(await diagnoseGpus(new GpuHost()), {}, command.optsWithGlobals());
    });
}

interface DoctorOptions {
  readonly json?: boolean;
}

/** Checks what the stack's target needs, by its cluster file. */
async function diagnose(root: string, stack: string): Promise<Finding[]> {
  const target = (await plainStackValue(root, stack, "ai-how:target")) ?? stack;
  if (target === "dev") return diagnoseDev(root);
  if (target === "workstation") {
    const libvirtUri = (await plainStackValue(root, stack, "ai-how:libvirtUri")) ?? "qemu:///system";
    return diagnoseWorkstation(new Host(), { root, libvirtUri, site: await siteOf(root, stack) });
  }
  throw new UserError(`doctor checks the targets dev and workstation, not ${target}`, {
    exitCode: 2,
  });
}

/** The site of a stack's cluster file. */
export async function siteOf(root: string, stack: string): Promise<Site> {
  const file = await plainStackValue(root, stack, "ai-how:clusterFile");
  if (file === undefined)
    throw new UserError(`Pulumi.${stack}.yaml: ai-how:clusterFile is missing`, { exitCode: 2 });
  return deriveSite(loadClusterFile(resolve(root, file)).config);
}

/** Prints the findings and sets the exit code. */
function report(findings: readonly Finding[], about: object, { json }: DoctorOptions): void {
  const failures = findings.filter(({ level }) => level === "fail").map(({ check }) => check);
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ ...about, passed: failures.length === 0, failures, findings }, undefined, 2)}\n`
      : findings.map(show).join(""),
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function show({ level, check, found, remedy }: Finding): string {
  const colour = level === "pass" ? "green" : level === "note" ? "yellow" : "red";
  const line = `${styleText(colour, level.padEnd(4))} ${check}: ${found}\n`;
  return remedy === undefined ? line : `${line}       ${remedy}\n`;
}
