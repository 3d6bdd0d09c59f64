import { readdir, realpath } from "node:fs/promises";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve, sep } from "node:path";
import which from "which";
import { UserError } from "../config/errors.ts";
import type { Engine, StackReference } from "./engine.ts";
import { inProcessState } from "./project.ts";

export type EngineChoice = "auto" | "pulumi" | "in-process";

/** The engine that will run, and the reason in a few words. */
export interface Selection {
  readonly engine: Engine;
  readonly because: string;
}

/**
 * Chooses the engine. A stack stays with the engine that made it. A new stack uses Pulumi's CLI if that is installed,
 * otherwise the in-process engine. Looks at files only.
 */
export async function selectEngine(reference: StackReference, choice: EngineChoice): Promise<Selection> {
  const ours = existsSync(inProcessState(reference));
  if (choice === "in-process") return inProcess(reference, "asked for");
  if (choice === "auto" && ours) return inProcess(reference, "this stack was made by it");
  if (choice === "pulumi" && ours) {
    throw new UserError(
      `the stack ${reference.stack} was made by the in-process engine; take it down first: ai-how down ${reference.stack} --engine in-process`,
    );
  }
  const cli = await findPulumi();
  if (cli !== undefined) {
    const { PulumiEngine } = await import("./pulumi/index.ts");
    return { engine: new PulumiEngine(reference, cli), because: choice === "pulumi" ? "asked for" : cli };
  }
  if (choice === "pulumi") {
    throw new UserError(`Pulumi's CLI is not installed: put \`pulumi\` on PATH, or ${TO_INSTALL}`);
  }
  return inProcess(reference, `Pulumi's CLI is not installed; ${TO_INSTALL}`);
}

/** Loads only the chosen engine. */
async function inProcess(reference: StackReference, because: string): Promise<Selection> {
  const { InProcessEngine } = await import("./in-process/index.ts");
  return { engine: new InProcessEngine(reference), because };
}

/** How to install Pulumi's CLI. */
const TO_INSTALL = "run `npx pulumi version`, or tools/pulumi.sh where that cannot download it";

/** Where tools/pulumi.sh installs it. */
const BUILT = resolve(import.meta.dirname, "../.ai-how/cache/pulumi/bin");

/** Finds `pulumi` on PATH, in the cache of the npm package `pulumi`, or where tools/pulumi.sh installs it. */
export async function findPulumi(): Promise<string | undefined> {
  const cache = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "versions");
  const cached = (await readdir(cache).catch(() => [])).map((version) => join(cache, version, "bin"));
  const path = [process.env.PATH ?? "", ...cached, BUILT].join(delimiter);
  for (const file of (await which("pulumi", { all: true, nothrow: true, path })) ?? []) {
    // npx and make put the npm package's launcher on PATH. It downloads a CLI, so it is not one.
    if (!(await realpath(file)).includes(`${sep}node_modules${sep}pulumi${sep}`)) return file;
  }
  return undefined;
}
