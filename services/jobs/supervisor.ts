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
// What a supervisor lives with: the engine's place comes from the record, and nothing of the job's own.
const ENVIRONMENT = ["PATH", "HOME", "TZ", "NODE_COMPILE_CACHE"];

/**
 * Follows a run to its end: output to the log, a line of progress every few minutes, its outcome, and then the container
 * away. It can be killed at any time: the next one goes on where this one was.
 */
export async function supervise(run: Run): Promise<void> {
  const log = new OutputLog(run);
  const copying = setInterval(() => {
    log.copy();
  }, COPY_MILLISECONDS);
  const progress = setInterval(() => {
    run.say("PROGRESS");
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
  await run.engine.remove(run.record.container);
  rmSync(run.files.spool, { force: true });
}

async function untilEnd(run: Run): Promise<Omit<Outcome, "at">> {
  const { engine, record } = run;
  let isAnnounced = false;
  for (;;) {
    const container = await engine.inspect(record.container).catch(waitForEngine);
    if (container === "silent") {
      await sleep(RETRY_MILLISECONDS);
    } else if (container === undefined || container.phase === "created") {
      // It was started before its supervisor was.
      return lost(run);
    } else if (container.phase === "exited") {
      return outcomeOf(run, container);
    } else {
      if (!isAnnounced) run.say("PROGRESS");
      isAnnounced = true;
      const before = Date.now();
      await engine.wait(record.container);
      // An engine that goes away is not asked all the time.
      if (Date.now() - before < RETRY_MILLISECONDS) await sleep(COPY_MILLISECONDS);
    }
  }
}

/** What a container that has ended comes to. */
export function outcomeOf(run: Run, { exitCode, finishedAt }: Container): Omit<Outcome, "at"> & { at: Date } {
  const asked = run.stopAskedAt;
  if (asked !== undefined && asked <= finishedAt) return { state: "STOPPED", exitCode, at: finishedAt };
  return { state: exitCode === 0 ? "DONE" : "FAILED", exitCode, at: finishedAt };
}

/** What it comes to when there is no container. */
export function lost(run: Run): Omit<Outcome, "at"> {
  return { state: run.stopAskedAt === undefined ? "LOST" : "STOPPED" };
}

/** An engine that restarts is waited for. */
function waitForEngine(error: unknown): "silent" {
  if (error instanceof UserError) return "silent";
  throw error;
}

/** Whether somebody follows the run at this moment. */
export async function isSupervised(run: Run): Promise<boolean> {
  return (await execa("flock", ["--nonblock", lockOf(run), "true"], { reject: false })).exitCode !== 0;
}

/** Starts a supervisor for a run, one that outlives us; where there is one already, it gives way. */
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
