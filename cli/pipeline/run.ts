import { readFile } from "node:fs/promises";
import { styleText } from "node:util";
import type { Command } from "commander";
import { UserError } from "../../config/errors.ts";
import type { PipelineClient, PipelineEnd } from "../../services/pipelines/client.ts";
import { planLine, readCommandList, readPlan, type Plan } from "../../services/pipelines/plan/index.ts";
import type { PipelineResult, StepStatus } from "../../services/pipelines/result.ts";
import { resultJson, resultYaml } from "../../services/pipelines/result-text.ts";
import { placeOf, withPlace, type PlaceOptions } from "./options.ts";

interface RunOptions extends PlaceOptions {
  readonly plan?: string;
  readonly workflowId?: string;
  readonly logDir?: string;
  readonly input: readonly string[];
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

/** `pipeline validate` and `pipeline run`. */
export function addRun(pipeline: Command): void {
  withInputs(pipeline.command("validate"))
    .description("check a plan; needs no Temporal")
    .action(async (file: string | undefined, options: RunOptions) => {
      const { file: from, plan } = await load(file, options);
      process.stdout.write(`${from}: valid, ${plan.steps.length} steps\n`);
    });
  withPlace(withInputs(pipeline.command("run")))
    .description("run a plan and print the results of its steps as YAML; exit 1 when it failed")
    .option("--workflow-id <id>", "its name. Default: pipeline-YYYYMMDD-HHMMSS")
    .option("--log-dir <folder>", "where workers write logs; goes over the plan's log_dir")
    .option("--detach", "only start it")
    .action(async (file: string | undefined, options: RunOptions) => {
      const { plan, prefix, write } = await load(file, options);
      const logDir = options.logDir ?? plan.logDir ?? process.env.TEMPORAL_LOG_DIR;
      const workflowId = options.workflowId ?? defaultId(prefix, new Date());
      // Loading Temporal's client takes a third of a second.
      const { PipelineClient } = await import("../../services/pipelines/client.ts");
      const client = await PipelineClient.connect(placeOf(options));
      try {
        const runId = await client.start({ ...plan, ...(logDir !== undefined && { logDir }) }, workflowId);
        process.stderr.write(`${workflowId} ${runId}\n`);
        if (options.detach !== true) conclude(await follow(client, workflowId), write);
      } finally {
        await client.close();
      }
    });
}

function withInputs(command: Command): Command {
  return command
    .argument("[plan]", "the plan, YAML or JSON")
    .option("--plan <file>", "the same, as the old orchestrate took it")
    .option<readonly string[]>(
      "--input <name=value>",
      "a value for an input of the plan; without a plan, a file with the old JSON list of commands",
      (text, before) => [...before, text],
      [],
    );
}

/** A plan, and how its result is written. */
interface Loaded {
  readonly file: string;
  readonly plan: Plan;
  /** Of the name that a pipeline gets. */
  readonly prefix: string;
  readonly write: (result: PipelineResult) => string;
}

async function load(name: string | undefined, { plan: named, input }: RunOptions): Promise<Loaded> {
  const file = name ?? named;
  const [list, ...more] = input;
  if (file === undefined && list !== undefined && more.length === 0)
    return {
      file: list,
      plan: readCommandList(await readText(list), list),
      prefix: "orchestration",
      write: resultJson,
    };
  if (file === undefined) throw new UserError("-plan is required: name a plan", { exitCode: 2 });
  const { plan, warnings } = readPlan(await readText(file), { file, inputs: inputsOf(input) });
  for (const warning of warnings) process.stderr.write(`warning: ${planLine(file, warning)}\n`);
  return { file, plan, prefix: "pipeline", write: resultYaml };
}

function inputsOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new UserError(`--input ${text}: give NAME=VALUE`, { exitCode: 2 });
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(
      `unable to read plan file: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
}

/** Prints each change of a step until the end. Ctrl-C cancels the pipeline and waits until its steps have stopped. */
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
    // Status needs a worker, which may be slow or not running yet; the end of the pipeline does not.
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

function conclude({ result, failure }: PipelineEnd, write: Loaded["write"]): void {
  if (result !== undefined) process.stdout.write(write(result));
  if (failure !== undefined) throw new UserError(`workflow failed: ${failure}`);
}

function coloured(state: StepStatus["state"]): string {
  // Plain where standard error is no terminal, or NO_COLOR is set.
  return styleText(COLOURS[state], state.padEnd(9), { stream: process.stderr });
}

/** `pipeline-20261125-101500`, in local time. */
function defaultId(prefix: string, now: Date): string {
  const digits = (value: number): string => String(value).padStart(2, "0");
  const day = [now.getFullYear(), digits(now.getMonth() + 1), digits(now.getDate())].join("");
  return `${prefix}-${day}-${digits(now.getHours())}${digits(now.getMinutes())}${digits(now.getSeconds())}`;
}
