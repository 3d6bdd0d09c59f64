import { createHash } from "node:crypto";
import { execa } from "execa";
import which from "which";

const ENGINES = ["docker", "podman"];
const PATIENCE_MILLISECONDS = 60_000;

/** A name that engines take: the same at every try of a step, and nobody else's. */
export function containerName(workflowId: string, runId: string, stepId: string): string {
  const readable = stepId.replaceAll(/[^a-zA-Z0-9_.-]/g, "_").slice(0, 40);
  const hash = createHash("sha256")
    .update(JSON.stringify([workflowId, runId, stepId]))
    .digest("hex");
  return `ai-how-${readable}-${hash.slice(0, 12)}`;
}

/** Removes a container with what runs in it, wherever there is one of the name. */
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
