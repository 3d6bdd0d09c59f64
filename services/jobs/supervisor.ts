import { spawn } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { UserError } from "../../config/errors.ts";
import type { Container } from "../docker/runtime.ts";
import { OutputLog } from "./output-log.ts";
import type { Outcome, Run } from "./run.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const COPY_MILLISECONDS = 50;
const RETRY_MILLISECONDS = 1000;
// The only variables that a supervisor gets: it takes the runtime's place from the record and needs no secrets of the job.
const ENVIRONMENT = ["PATH", "HOME", "TZ", "NODE_COMPILE_CACHE"];

/**
 * Follows a run to its end: copies its output to the log, reports progress, records the outcome and removes the container.
 * If it is killed, the next supervisor continues at the same byte.
 */
export async function supervise(run: Run): Promise<void> {
  const log = new OutputLog(run);
  const copying = setInterval(() => {
    log.copy();
  }, COPY_MILLISECONDS);
  const progress = setInterval(() => {
    run.report("PROGRESS");
  }, run.record.progressSeconds * 1000);
  try {
    const outcome = await untilEnd(run);
    log.copy();
    log.close();
    run.conclude(outcome);
  } finally {
    clearInterval(copying);
    clearInterval(progress);
  }
  await run.runtime.remove(run.record.container);
  rmSync(run.files.spool, { force: true });
}

async function untilEnd(run: Run): Promise<Omit<Outcome, "at">> {
  const { runtime, record } = run;
  let isAnnounced = false;
  for (;;) {
    const container = await runtime.inspect(record.container).catch(silentRuntime);
    if (container === "silent") {
      await sleep(RETRY_MILLISECONDS);
    } else if (container === undefined || container.phase === "created") {
      // The supervisor starts after the container, so the container has been removed.
      return lost(run);
    } else if (container.phase === "exited") {
      return outcomeOf(run, container);
    } else {
      if (!isAnnounced) run.report("PROGRESS");
      isAnnounced = true;
      const before = Date.now();
      await runtime.wait(record.container);
      // Do not poll too fast if the runtime has stopped answering.
      if (Date.now() - before < RETRY_MILLISECONDS) await sleep(COPY_MILLISECONDS);
    }
  }
}

/** The outcome of a container that has ended. */
export function outcomeOf(run: Run, { exitCode, finishedAt }: Container): Omit<Outcome, "at"> & { at: Date } {
  const asked = run.stopAskedAt;
  if (asked !== undefined && asked <= finishedAt) return { state: "STOPPED", exitCode, at: finishedAt };
  return { state: exitCode === 0 ? "DONE" : "FAILED", exitCode, at: finishedAt };
}

/** The outcome of a run without a container. */
export function lost(run: Run): Omit<Outcome, "at"> {
  return { state: run.stopAskedAt === undefined ? "LOST" : "STOPPED" };
}

/** The runtime may be restarting. */
function silentRuntime(error: unknown): "silent" {
  if (error instanceof UserError) return "silent";
  throw error;
}

/** Whether the run has a supervisor: it holds the run's lock. */
export async function isSupervised(run: Run): Promise<boolean> {
  return (await execa("flock", ["--nonblock", lockOf(run), "true"], { reject: false })).exitCode !== 0;
}

/** Starts a supervisor for a run, which outlives this process. It ends at once if there is one already. */
export function startSupervisor(run: Run): void {
  const out = openSync(join(run.files.record, "supervisor.log"), "a", 0o600);
  const child = spawn(
    "flock",
    ["--timeout", "2", "--no-fork", lockOf(run), process.execPath, MAIN, run.files.record],
    {
      detached: true,
      stdio: ["ignore", out, out],
      cwd: "/",
      env: Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]])),
    },
  );
  closeSync(out);
  child.unref();
}

export async function ensureSupervisor(run: Run): Promise<void> {
  if (!(await isSupervised(run))) startSupervisor(run);
}

function lockOf(run: Run): string {
  return join(run.files.record, "lock");
}
