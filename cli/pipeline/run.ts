import { readFile } from "node:fs/promises";
import { styleText } from "node:util";
import { InvalidArgumentError, type Command } from "commander";
import { UserError } from "../../config/errors.ts";
import { PipelineClient, type PipelineEnd } from "../../services/pipelines/client.ts";
import { place, readPlan, type ReadPlan } from "../../services/pipelines/plan/index.ts";
import type { StepStatus } from "../../services/pipelines/result.ts";
import { resultYaml } from "../../services/pipelines/result-yaml.ts";
import { placeOf, withPlace, type PlaceOptions } from "./options.ts";

interface RunOptions extends PlaceOptions {
  readonly plan?: string;
  readonly workflowId?: string;
  readonly logDir?: string;
  readonly input: Readonly<Record<string, string>>;
  readonly detach?: boolean;
}

const POLL_MILLISECONDS = 500;
const COLOURS = {
  success: "green",
  failed: "red",
  skipped: "dim",
  cancelled: "yellow",
  running: "cyan",
  waiting: "dim",
} as const;

/** `pipeline validate` and `pipeline run`: a plan, checked and done. */
export function addRun(pipeline: Command): void {
  withInputs(pipeline.command("validate"))
    .description("check a plan; talks to nobody")
    .action(async (file: string | undefined, options: RunOptions) => {
      const { plan } = await load(file, options);
      process.stdout.write(`${fileOf(file, options)}: valid, ${plan.steps.length} steps\n`);
    });
  withPlace(withInputs(pipeline.command("run")))
    .description("run a plan and print what became of its steps as YAML; exit 1 when it failed")
    .option("--workflow-id <id>", "its name. Default: pipeline-YYYYMMDD-HHMMSS")
    .option("--log-dir <folder>", "where workers write logs; goes over the plan's log_dir")
    .option("--detach", "only start it")
    .action(async (file: string | undefined, options: RunOptions) => {
      const { plan } = await load(file, options);
      const logDir = options.logDir ?? plan.logDir ?? process.env.TEMPORAL_LOG_DIR;
      const workflowId = options.workflowId ?? defaultId(new Date());
      const client = await PipelineClient.connect(placeOf(options));
      try {
        const runId = await client.start({ ...plan, ...(logDir !== undefined && { logDir }) }, workflowId);
        process.stderr.write(`${workflowId} ${runId}\n`);
        if (options.detach !== true) conclude(await follow(client, workflowId));
      } finally {
        await client.close();
      }
    });
}

function withInputs(command: Command): Command {
  return command
    .argument("[plan]", "the plan, YAML or JSON")
    .option("--plan <file>", "the same, as the old orchestrate took it")
    .option<Readonly<Record<string, string>>>(
      "--input <name=value>",
      "a value for an input of the plan",
      input,
      {},
    );
}

function input(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Give NAME=VALUE.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function fileOf(file: string | undefined, { plan }: RunOptions): string {
  const found = file ?? plan;
  if (found === undefined) throw new UserError("-plan is required: name a plan", { exitCode: 2 });
  return found;
}

async function load(name: string | undefined, options: RunOptions): Promise<ReadPlan> {
  const file = fileOf(name, options);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(
      `unable to read plan file: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
  const read = readPlan(text, { file, inputs: options.input });
  for (const warning of read.warnings)
    process.stderr.write(`warning: ${place(file, warning)}: ${warning.message}\n`);
  return read;
}

/** A line for each change of a step until the end; Ctrl-C cancels the pipeline and waits for its steps to stop. */
async function follow(client: PipelineClient, workflowId: string): Promise<PipelineEnd> {
  const shown = new Map<string, string>();
  const show = (steps: readonly StepStatus[]): void => {
    for (const { id, state, reason } of steps) {
      if (state === "waiting" || shown.get(id) === state) continue;
      shown.set(id, state);
      process.stderr.write(`${coloured(state)} ${id}${reason === "" ? "" : `: ${reason}`}\n`);
    }
  };
  const onSignal = (): void => {
    process.stderr.write("cancelling; steps that run are stopped\n");
    void client.cancel(workflowId);
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const over = new AbortController();
  const end = client.end(workflowId).finally(() => {
    over.abort();
  });
  try {
    // A worker may be slow to answer, or not there yet; the end is known without it.
    while (!over.signal.aborted) {
      show(await Promise.race([client.status(workflowId).catch(() => []), end.then(() => [])]));
      await Promise.race([
        new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS)),
        end.catch(() => undefined),
      ]);
    }
    show(await client.status(workflowId).catch(() => []));
    return await end;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

function conclude({ result, failure }: PipelineEnd): void {
  if (result !== undefined) process.stdout.write(resultYaml(result));
  if (failure !== undefined) throw new UserError(`workflow failed: ${failure}`);
}

function coloured(state: StepStatus["state"]): string {
  const text = state.padEnd(9);
  return process.stderr.isTTY ? styleText(COLOURS[state], text) : text;
}

/** `pipeline-20261125-101500`, in local time. */
function defaultId(now: Date): string {
  const digits = (value: number): string => String(value).padStart(2, "0");
  const day = [now.getFullYear(), digits(now.getMonth() + 1), digits(now.getDate())].join("");
  return `pipeline-${day}-${digits(now.getHours())}${digits(now.getMinutes())}${digits(now.getSeconds())}`;
}
