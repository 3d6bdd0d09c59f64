import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { WorkflowBundle } from "@temporalio/worker";
import sdk from "@temporalio/worker/package.json" with { type: "json" };
import { execa } from "execa";
import writeFileAtomic from "write-file-atomic";
import { folderDigest } from "../../config/folder-digest.ts";

const CACHE = resolve(import.meta.dirname, "../../.ai-how/cache/workflows");
const WORKFLOWS = join(import.meta.dirname, "workflows", "pipeline.ts");

/**
 * The bundled workflows for Temporal's sandbox. Bundling takes seconds, so the bundle is cached under a digest of its sources. If the
 * cache is not writable, as in another user's checkout, every worker bundles.
 * @param folder the cache. Default: .ai-how/cache/workflows
 */
export async function bundleWorkflows(folder = CACHE): Promise<WorkflowBundle> {
  const name = `${sdk.version}-${folderDigest(import.meta.dirname)}.js`;
  const cached = await readFile(join(folder, name), "utf8").catch(() => undefined);
  if (cached !== undefined) return { code: cached };
  const bundle = await bundleInChild(WORKFLOWS);
  await cache(folder, name, bundle.code).catch(() => undefined);
  return bundle;
}

/** Bundles in a process of its own: webpack leaves 100 MiB in the process that it runs in. */
export async function bundleInChild(workflowsPath: string): Promise<WorkflowBundle> {
  const program = join(import.meta.dirname, "bundle-program.ts");
  const { stdout } = await execa(process.execPath, [program, workflowsPath], { stderr: "inherit" });
  return { code: stdout };
}

/** Writes a bundle and removes all older ones. */
async function cache(folder: string, name: string, code: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileAtomic(join(folder, name), code);
  // Another worker may be writing the same one.
  const older = (await readdir(folder)).filter((other) => !other.startsWith(name));
  await Promise.all(older.map((other) => rm(join(folder, other), { force: true })));
}
