import { existsSync } from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import which from "which";
import type { Head, StepLog } from "../logs/step-log.ts";
import { endWithWorker } from "./reaper.ts";
import { spawnBeside } from "./spawn.ts";

// Time between SIGTERM and SIGKILL.
const GRACE_MILLISECONDS = 10_000;

export interface ProcessOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string | undefined;
  readonly log: StepLog;
  /** Ends the program's process group with SIGTERM, then SIGKILL. */
  readonly signal: AbortSignal;
  /** Ends it with SIGKILL at once. */
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
 * Runs a program without a shell, in its own process group, with its output in the step's log. The whole group ends with the worker,
 * also when the worker is killed: another worker then repeats the step, and it never runs twice at the same time.
 * @throws if it cannot be started, or the reason of the signal that has ended it
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
  // The spawner is gone and nothing reports the program's end: its group must not outlive it.
  closed.catch(endAtOnce);
  signal.addEventListener("abort", end);
  killSignal.addEventListener("abort", endAtOnce);
  // A signal may have been aborted while the program was starting.
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

/** The path of a program. A missing program throws, so that the step is retried: it is not an exit code of the program. */
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
  // Kills processes that ignored SIGTERM or outlived the group's leader.
  kill(pid, "SIGKILL");
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The process has ended, or belongs to another user: a step may use sudo.
    if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
