import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { UserError } from "../../config/errors.ts";
import type { Container } from "../docker/engine.ts";
import { EntrySplitter } from "./entries.ts";
import { OutputLog } from "./output-log.ts";
import { isStillThere } from "./process.ts";
import type { Outcome, Run } from "./run.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const RETRY_MILLISECONDS = 1000;
const START_POLL_MILLISECONDS = 100;
// What a supervisor lives with: the engine's place comes from the record, and nothing of the job's own.
const ENVIRONMENT = ["PATH", "HOME", "TZ", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "NODE_COMPILE_CACHE"];

/**
 * Follows a run to its end: output to the log, a line of progress every few minutes, its outcome, and then the container
 * away. It can be killed at any time: the next one goes on where this one was, from the engine's log.
 */
export async function supervise(run: Run): Promise<void> {
  const { engine, record } = run;
  const log = new OutputLog(run);
  const progress = setInterval(() => {
    run.say("PROGRESS");
  }, record.progressSeconds * 1000);
  let isAnnounced = false;
  try {
    for (;;) {
      const askedAt = new Date();
      const container = await engine.inspect(record.container).catch(waitForEngine);
      if (container === "silent") {
        await sleep(RETRY_MILLISECONDS);
      } else if (container === undefined || container.phase === "created") {
        if (!isStillThere(record.starter)) {
          run.conclude(lost(run));
          if (container !== undefined) await engine.remove(record.container);
          return;
        }
        await sleep(START_POLL_MILLISECONDS);
      } else {
        if (container.phase === "running" && !isAnnounced) run.say("PROGRESS");
        isAnnounced = true;
        const isWhole = await collect(run, log, false);
        if (isWhole) log.isWhole(askedAt);
        if (container.phase === "exited" && isWhole) {
          run.conclude(outcomeOf(run, container));
          await engine.remove(record.container);
          return;
        }
        if (!(await collect(run, log, true))) await sleep(RETRY_MILLISECONDS);
      }
    }
  } finally {
    clearInterval(progress);
    log.close();
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

/** Takes what the engine has of the log from the last entry on record on; false where that broke off. */
async function collect(run: Run, log: OutputLog, follow: boolean): Promise<boolean> {
  const since = log.resume();
  const child = run.engine.logs(run.record.container, { since, follow });
  const ended = once(child, "close") as Promise<[number | null]>;
  ended.catch(() => undefined);
  const splitter = new EntrySplitter();
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) log.append(splitter.push(chunk));
  const [code] = await ended;
  if (code !== 0) return false;
  log.append(splitter.end());
  return true;
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
