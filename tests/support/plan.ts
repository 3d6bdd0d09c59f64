import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { parseDocument } from "yaml";
import { InProcessEngine } from "../../engine/in-process/index.ts";
import type { ResourceState } from "../../engine/in-process/state.ts";
import { repository } from "./project.ts";

/** Every target that can be built, with every kind of node that it has. */
export const STACKS = [
  ["dev", "vm"],
  ["dev", "container"],
  ["workstation", "vm"],
] as const;

/** Previews a stack of this project, with state of its own, and returns its resources as they would be. */
export async function plan(target: string, machines: string): Promise<readonly ResourceState[]> {
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
    await writeFile(
      join(root, "Pulumi.tree.yaml"),
      `config: {"ai-how:target": ${target}, "ai-how:clusterFile": cluster.yaml, "ai-how:machines": ${machines}}\n`,
    );
    await writeFile(join(root, "cluster.yaml"), await clusterFile(target));
    const problems: string[] = [];
    const engine = new InProcessEngine({ root, stack: "tree" });
    const { resources } = await engine.plan({
      emit: (event) => {
        if (event.type === "failed") problems.push(event.message);
        if (event.type === "log" && event.level !== "info") problems.push(event.line);
      },
      signal: new AbortController().signal,
      parallel: 16,
    });
    expect(problems).toEqual([]);
    return resources;
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
