import { existsSync } from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import which from "which";
import type { Head, StepLog } from "../logs/step-log.ts";
import { endWithWorker } from "./reaper.ts";
import { spawnBeside } from "./spawn.ts";

// What a program gets to end by itself before it is ended.
const GRACE_MILLISECONDS = 10_000;

export interface ProcessOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string | undefined;
  readonly log: StepLog;
  /** Ends the program, and all that it started in its process group. */
  readonly signal: AbortSignal;
  /** The same, at once. */
  readonly killSignal: AbortSignal;
  /** Texts that logs must not show. */
  readonly secrets?: readonly string[];
}

/** How a program ended. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: Head;
  readonly stderr: Head;
}

/**
 * Runs a program without a shell, its output into the step's log, in a process group of its own. The whole group ends with the
 * worker, also when that is killed: another worker then does the step, and nothing is done twice at a time.
 * @throws when it cannot be started, or the reason of the signal that has ended it
 */
export async function runProcess(options: ProcessOptions): Promise<Ended> {
  const { log, signal, killSignal, secrets } = options;
  signal.throwIfAborted();
  const program = await findProgram(options);
  const child = await spawnBeside({
    ...{ program: "setpriv", args: ["--pdeathsig", "KILL", "--", program, ...options.args] },
    ...{ env: options.env, cwd: options.cwd },
  });
  const { pid, closed } = child;
  const forget = endWithWorker(`group ${pid}`);
  const end = (): void => void endGroup(pid, closed);
  const endAtOnce = (): void => {
    kill(pid, "SIGKILL");
  };
  // Nobody hears of it any more: what it has started must not outlive it.
  closed.catch(endAtOnce);
  signal.addEventListener("abort", end);
  killSignal.addEventListener("abort", endAtOnce);
  // Either may have come while it was being started.
  if (killSignal.aborted) endAtOnce();
  else if (signal.aborted) end();
  try {
    const copying = Promise.all([
      log.copy("stdout", child.stdout, secrets),
      log.copy("stderr", child.stderr, secrets),
    ]);
    copying.catch(end);
    const [stdout, stderr] = await copying;
    const [code, by] = await closed;
    signal.throwIfAborted();
    killSignal.throwIfAborted();
    return { exitCode: code ?? 128 + (by === null ? 0 : constants.signals[by]), stdout, stderr };
  } finally {
    signal.removeEventListener("abort", end);
    killSignal.removeEventListener("abort", endAtOnce);
    forget();
  }
}

/** Where a program is. Not found is no result of the program but a step that could not be done, and is tried again. */
async function findProgram({ program, env, cwd }: ProcessOptions): Promise<string> {
  if (cwd !== undefined && !existsSync(cwd))
    throw new Error(`${cwd}: there is no such folder on this worker, and working_dir names it`);
  const path = program.includes("/") ? resolve(cwd ?? ".", program) : program;
  const found = await which(path, { nothrow: true, path: env.PATH ?? "" });
  if (found === null) throw new Error(`${program}: there is no such program on this worker`);
  return found;
}

async function endGroup(pid: number, closed: Promise<unknown>): Promise<void> {
  kill(pid, "SIGTERM");
  await Promise.race([closed.catch(() => undefined), sleep(GRACE_MILLISECONDS, undefined, { ref: false })]);
  // What ignored the first signal, or was left behind by a leader that did not.
  kill(pid, "SIGKILL");
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Gone already, or somebody else's: a step may become another user by sudo.
    if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
