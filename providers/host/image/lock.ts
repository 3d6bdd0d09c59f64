import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { execa } from "execa";
import { ProviderError, type Context } from "../../framework/resource.ts";

/** Progress and cancellation of the wait; the action handles the signal itself. */
export type Waiting = Pick<Context<unknown>, "log" | "signal">;

// flock's exit code if another process has the lock.
const TAKEN = 75;

/**
 * Runs an action with an exclusive lock on a file, which is created if it is missing and kept. The kernel releases the lock when
 * its process is killed.
 */
export async function withLock<T>(
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

/** Locks a file by a process that holds the lock until its standard input ends; undefined if the lock is taken. */
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
  // The action releases the lock itself: after a cancellation it may still be ending.
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
