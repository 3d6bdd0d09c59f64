import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { execa } from "execa";
import { ProviderError, type Context } from "../../framework/resource.ts";

/** What is said while one waits, and what ends the waiting; the action has to look at it by itself. */
export type Waiting = Pick<Context<unknown>, "log" | "signal">;

// flock's exit code where somebody else has the lock.
const TAKEN = 75;

/**
 * Does something while no other process of this host does anything in turn by the same file, which is made where it is
 * missing and stays. The kernel holds the lock, so that the turn of a process that is killed ends with it.
 */
export async function inTurn<T>(
  file: string,
  { log, signal }: Waiting,
  action: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  let release = await lock(file, ["--nonblock", "--conflict-exit-code", String(TAKEN)], signal);
  if (release === undefined) {
    log(`waiting: another build has ${file}`);
    release = await lock(file, [], signal);
  }
  try {
    return await action();
  } finally {
    await release?.();
  }
}

/** Locks a file by a process that keeps it so until its standard input ends; undefined where it is taken. */
async function lock(
  file: string,
  options: readonly string[],
  signal: AbortSignal,
): Promise<(() => Promise<void>) | undefined> {
  const keeper = ["flock", "--no-fork", ...options, file, "sh", "-c", "echo locked && exec cat"];
  const holder = execa("setpriv", ["--pdeathsig", "KILL", ...keeper], { stdin: "pipe", reject: false });
  const stop = () => holder.kill("SIGKILL");
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  const ended = await Promise.race([holder, once(holder.stdout, "data").then(() => undefined)]);
  // From here on the action says when its turn is over: what was cancelled may still be ending.
  signal.removeEventListener("abort", stop);
  if (ended === undefined) {
    return async () => {
      holder.stdin.end();
      await holder;
    };
  }
  if (signal.aborted) throw new ProviderError("building the image was cancelled");
  if (ended.exitCode === TAKEN) return undefined;
  throw new ProviderError(`${file}: cannot be locked: ${ended.stderr.trim()}`);
}
