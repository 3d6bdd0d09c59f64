import { createHash } from "node:crypto";
import { execa } from "execa";
import which from "which";

const ENGINES = ["docker", "podman"];
const PATIENCE_MILLISECONDS = 60_000;

/** A valid container name: unique to the step, and the same in every attempt. */
export function containerName(workflowId: string, runId: string, stepId: string): string {
  const readable = stepId.replaceAll(/[^a-zA-Z0-9_.-]/g, "_").slice(0, 40);
  const hash = createHash("sha256")
    .update(JSON.stringify([workflowId, runId, stepId]))
    .digest("hex");
  return `ai-how-${readable}-${hash.slice(0, 12)}`;
}

/** Removes a container of this name from every runtime that has one. */
export async function removeContainer(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  for (const engine of ENGINES) {
    if ((await which(engine, { nothrow: true, path: env.PATH ?? "" })) === null) continue;
    await execa(engine, ["rm", "--force", name], {
      env: { ...env },
      extendEnv: false,
      stdio: "ignore",
      reject: false,
      timeout: PATIENCE_MILLISECONDS,
    });
  }
}
