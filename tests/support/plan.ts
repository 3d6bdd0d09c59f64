import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { parseDocument, stringify } from "yaml";
import { UserError } from "../../config/errors.ts";
import type { ResourcePlan, RunOptions } from "../../engine/engine.ts";
import { InProcessEngine } from "../../engine/in-process/index.ts";
import { repository } from "./project.ts";

/** Every target that can be built, with every kind of node that it has. */
export const STACKS = [
  ["dev", "vm"],
  ["dev", "container"],
  ["workstation", "vm"],
] as const;

/** Previews a stack of this project, with state of its own, and returns its resources as they would be. */
export async function plan(target: string, machines: string): Promise<readonly ResourcePlan[]> {
  const { resources, warnings, failures } = await preview(target, await clusterFile(target), machines);
  expect([...failures, ...warnings]).toEqual([]);
  return resources;
}

/** What a preview has shown. */
export interface Previewed {
  readonly resources: readonly ResourcePlan[];
  readonly warnings: readonly string[];
  /** What failed or was refused, as lines. */
  readonly failures: readonly string[];
}

/** Previews a target of this project with a cluster file of this text, as a stack of its own. */
export async function preview(target: string, text: string, machines?: string): Promise<Previewed> {
  let resources: readonly ResourcePlan[] = [];
  const messages = await withStack(target, text, machines, async (engine, options) => {
    ({ resources } = await engine.plan(options));
  });
  return { resources, ...messages };
}

/** What an `up` says that is refused before anything is made. */
export async function refusedUp(target: string, text: string): Promise<readonly string[]> {
  const { failures } = await withStack(target, text, undefined, async (engine, options) => {
    await engine.up(options);
  });
  return failures;
}

/** Uses a stack of this project with state of its own; returns what was said meanwhile. */
async function withStack(
  target: string,
  text: string,
  machines: string | undefined,
  use: (engine: InProcessEngine, options: RunOptions) => Promise<void>,
): Promise<{ warnings: readonly string[]; failures: readonly string[] }> {
  const root = await mkdtemp(join(tmpdir(), "ai-how-tree-"));
  try {
    const parts = [
      "node_modules",
      "index.ts",
      "stacks",
      "components",
      "config",
      "providers",
      "ansible",
      "images",
      "Pulumi.yaml",
    ];
    for (const part of parts) await symlink(join(repository, part), join(root, part));
    await mkdir(join(root, ".ai-how"));
    await writeFile(join(root, "package.json"), '{"type": "module"}');
    const config = {
      "ai-how:target": target,
      "ai-how:clusterFile": "cluster.yaml",
      ...(machines !== undefined && { "ai-how:machines": machines }),
    };
    await writeFile(join(root, "Pulumi.tree.yaml"), stringify({ config }));
    await writeFile(join(root, "cluster.yaml"), text);
    const warnings: string[] = [];
    const failures: string[] = [];
    const options: RunOptions = {
      emit: (event) => {
        if (event.type === "failed") failures.push(event.message);
        if (event.type === "log" && event.level === "warning") warnings.push(event.line);
        if (event.type === "log" && event.level === "error") failures.push(...event.line.split("\n"));
      },
      signal: new AbortController().signal,
      parallel: 16,
    };
    await use(new InProcessEngine({ root, stack: "tree" }), options).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      failures.push(error.message, ...error.details);
    });
    return { warnings, failures };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** The target's own file, with everything in it that the target can build. */
async function clusterFile(target: string): Promise<string> {
  const file = parseDocument(await readFile(join(repository, "stacks", `${target}.yaml`), "utf8"));
  if (target === "workstation")
    file.set("workshop", { dev_environments: [{ project_id: "vision" }], temporal: {} });
  return file.toString();
}
