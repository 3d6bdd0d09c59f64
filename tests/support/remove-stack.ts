import { readdirSync, readFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { sandboxPlaces } from "../../providers/host/sandbox-places.ts";
import { removeSandbox } from "../../providers/host/sandbox.ts";
import { repository } from "./project.ts";

/** The file of a test's stack in the repository. */
export function configurationOf(stack: string): string {
  return join(repository, `Pulumi.${stack}.yaml`);
}

/** Removes all of a stack from the host and the repository, whatever state it is in, without any engine. */
export async function removeStack(stack: string): Promise<void> {
  const { containers } = sandboxPlaces(stack);
  for (const name of (await readdir(containers).catch(() => [])) as string[]) {
    const pid = readPid(join(containers, name, "leader"));
    if (pid !== undefined) signalQuietly(pid);
  }
  await removeSandbox(stack);
  const state = join(repository, ".ai-how");
  for (const name of readdirSync(state).filter((name) => name.startsWith(`${stack}.`)))
    await rm(join(state, name), { force: true });
  await rm(configurationOf(stack), { force: true });
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8").split(" ")[0]);
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(file.replace(/leader$/, ""))
      ? pid
      : undefined;
  } catch {
    return undefined;
  }
}

function signalQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended meanwhile
  }
}
