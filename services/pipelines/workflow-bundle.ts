import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from "@temporalio/worker";
import sdk from "@temporalio/worker/package.json" with { type: "json" };
import writeFileAtomic from "write-file-atomic";
import { folderDigest } from "../../config/folder-digest.ts";

const KEPT = resolve(import.meta.dirname, "../../.ai-how/cache/workflows");

/**
 * The workflows as Temporal's sandbox runs them. To bundle them takes seconds, so the bundle is kept for the next worker, named by what
 * it was made of; where it cannot be kept, as in a checkout of another user, every worker bundles.
 * @param folder where it is kept. Default: .ai-how/cache/workflows
 */
export async function bundleWorkflows(folder = KEPT): Promise<WorkflowBundle> {
  const name = `${sdk.version}-${folderDigest(import.meta.dirname)}.js`;
  const kept = await readFile(join(folder, name), "utf8").catch(() => undefined);
  if (kept !== undefined) return { code: kept };
  const workflowsPath = join(import.meta.dirname, "workflows", "pipeline.ts");
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger("WARN") });
  await keep(folder, name, code).catch(() => undefined);
  return { code };
}

/** Puts a bundle in the place of all older ones. */
async function keep(folder: string, name: string, code: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileAtomic(join(folder, name), code);
  // Another worker may be writing the same one.
  const older = (await readdir(folder)).filter((other) => !other.startsWith(name));
  await Promise.all(older.map((other) => rm(join(folder, other), { force: true })));
}
