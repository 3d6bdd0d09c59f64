import type { Command } from "commander";
import { UserError } from "../../config/errors.ts";
import {
  followEvents,
  loggedRuns,
  loggedSteps,
  readEvents,
  eventsFile,
} from "../../services/pipelines/logs/read.ts";
import { existsSync } from "node:fs";

interface LogOptions {
  readonly logDir: string;
  readonly workflowId?: string;
  readonly runId?: string;
}

/** `pipeline logs list|show|tail|follow`: what workers on this host have written; the old logs_cli's lines. */
export function addLogs(pipeline: Command): void {
  const logs = pipeline.command("logs").description("runs, steps and events in this host's log folder");
  const add = (
    name: string,
    former: string,
    description: string,
    action: (options: LogOptions) => Promise<void>,
  ) =>
    logs
      .command(name)
      .alias(former)
      .description(description)
      .option(
        "--log-dir <folder>",
        "default: TEMPORAL_LOG_DIR, else logs",
        process.env.TEMPORAL_LOG_DIR ?? "logs",
      )
      .option("--workflow-id <id>", "only this pipeline")
      .option("--run-id <id>", "only this run")
      .action(action);
  add(
    "list",
    "list-runs",
    "runs, the newest first: workflow, run, time of the last event",
    async ({ logDir }) => {
      for (const { workflowId, runId, last } of await loggedRuns(logDir)) write([workflowId, runId, last]);
    },
  );
  add("show", "show-steps", "steps of a run: state, exit code, seconds and log files", async (options) => {
    for (const event of await loggedSteps(options.logDir, whose(options))) {
      const { stepId, status, exitCode, durationSec, stdoutPath, stderrPath, structuredPath } = event;
      const state = status === "step_finished" ? "finished" : "started";
      write([stepId, state, String(exitCode), String(durationSec), stdoutPath, stderrPath, structuredPath]);
    }
  });
  add("tail", "events", "events of a run as JSON lines", async (options) => {
    for (const event of await readEvents(options.logDir, whose(options))) line(event);
  });
  add("follow", "watch", "events from now on as JSON lines, until Ctrl-C", async (options) => {
    const { logDir, workflowId, runId } = options;
    if (!existsSync(eventsFile(logDir)))
      process.stderr.write(`${eventsFile(logDir)}: not there yet; waiting\n`);
    const abort = new AbortController();
    process.once("SIGINT", () => {
      abort.abort();
    });
    for await (const event of followEvents(logDir, abort.signal, { workflowId, runId })) line(event);
  });
}

function whose({ workflowId, runId }: LogOptions): { workflowId: string; runId: string } {
  if (workflowId === undefined || runId === undefined)
    throw new UserError("which run? give --workflow-id and --run-id; `ai-how pipeline logs list` has them", {
      exitCode: 2,
    });
  return { workflowId, runId };
}

function write(cells: readonly string[]): void {
  process.stdout.write(`${cells.join("\t")}\n`);
}

function line(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
