import { homedir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { projectRoot } from "../../engine/project.ts";
import { columns } from "../table.ts";
import { addLogs } from "./logs.ts";
import { placeOf, withPlace, type PlaceOptions } from "./options.ts";
import { addRun } from "./run.ts";
import { addWeb } from "./web.ts";

/** `pipeline`: plans of steps that Temporal runs, also through crashes of workers. */
export function addPipeline(program: Command): void {
  const pipeline = program
    .command("pipeline")
    .description("plans of steps that survive crashes: validate, run, follow, cancel");
  addRun(pipeline);
  addStatus(pipeline);
  addLogs(pipeline);
  addWorker(pipeline);
  addDevServer(pipeline);
  addWeb(pipeline);
}

// Temporal's client takes a third of a second to load, so only the commands that need it do.
function addStatus(pipeline: Command): void {
  withPlace(pipeline.command("status"))
    .description("the current state of a pipeline's steps")
    .argument("<workflow-id>")
    .option("--json", "as JSON")
    .action(async (workflowId: string, options: PlaceOptions & { json?: boolean }) => {
      const { PipelineClient } = await import("../../services/pipelines/client.ts");
      const client = await PipelineClient.connect(placeOf(options));
      try {
        const steps = await client.status(workflowId);
        process.stdout.write(
          options.json === true
            ? `${JSON.stringify({ workflowId, steps }, undefined, 2)}\n`
            : columns(steps.map(({ id, state, type, reason }) => [id, state, type, reason])),
        );
      } finally {
        await client.close();
      }
    });
  withPlace(pipeline.command("cancel"))
    .description("stop a pipeline: running steps are ended, no step starts")
    .argument("<workflow-id>")
    .action(async (workflowId: string, options: PlaceOptions) => {
      const { PipelineClient } = await import("../../services/pipelines/client.ts");
      const client = await PipelineClient.connect(placeOf(options));
      try {
        await client.cancel(workflowId);
      } finally {
        await client.close();
      }
    });
}

function addWorker(pipeline: Command): void {
  withPlace(pipeline.command("worker"))
    .description("run steps on this host until Ctrl-C; any number of workers share the work")
    .option("--steps <count>", "most steps at a time", wholeNumber, 100)
    .action(async (options: PlaceOptions & { steps: number }) => {
      // bin/ai-how sets it for this process; its steps get the user's own environment.
      if (process.env.GLIBC_TUNABLES === "glibc.malloc.arena_max=1") delete process.env.GLIBC_TUNABLES;
      const { createWorker } = await import("../../services/pipelines/worker.ts");
      const place = placeOf(options);
      const worker = await createWorker({ ...place, steps: options.steps });
      process.stdout.write(`working on ${place.taskQueue} at ${place.address}\n`);
      await worker.run();
    });
}

function addDevServer(pipeline: Command): void {
  pipeline
    .command("dev-server")
    .description("Temporal's development server on this host, kept in a SQLite file")
    .option("--port <port>", "port of its gRPC frontend", wholeNumber, 7233)
    .option("--ui-port <port>", "port of Temporal's own web page", wholeNumber, 8233)
    .option("--ip <address>", "listen at this address, too; Temporal has no authentication", "127.0.0.1")
    .option(
      "--db-filename <file>",
      "default: .ai-how/temporal.db of the project, else ~/.local/state/ai-how/temporal.db",
    )
    .argument("[more...]", "after `--`: more options for `temporal server start-dev`")
    .action(async (more: string[], { dbFilename, ...options }: DevServerCommandOptions) => {
      const { runDevServer } = await import("../../services/pipelines/dev-server.ts");
      process.exitCode = await runDevServer({ ...options, database: dbFilename ?? defaultDatabase(), more });
    });
}

interface DevServerCommandOptions {
  readonly ip: string;
  readonly port: number;
  readonly uiPort: number;
  readonly dbFilename?: string;
}

/** In the project where this is one, else in the user's own folder. */
function defaultDatabase(): string {
  const root = projectRoot(process.cwd());
  if (root !== undefined) return join(root, ".ai-how", "temporal.db");
  const state = process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state");
  return join(state, "ai-how", "temporal.db");
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError("Give a whole number of 1 or more.");
  return number;
}
