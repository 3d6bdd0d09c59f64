import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { shapes, type BareInput, type Shape } from "./floor/bare-workflow.ts";
import { alternate } from "./measure.ts";
import { row, type Benchmark, type Row } from "./result.ts";
import { forgetPeak, peakMib, QUEUE, TemporalBench } from "./temporal.ts";
import { readPlan, type Plan } from "../services/pipelines/plan/index.ts";

const ROUNDS = 3;
const GOAL = { ratio: 1.3 };
const begun = z.object({ workflowId: z.string(), status: z.string(), timestamp: z.iso.datetime() });

/** What carrying a step costs, and how soon the first one begins. */
export const pipelines: Benchmark = {
  name: "pipelines",
  title: "Pipelines of steps that run `true`",
  floor:
    "bench/floor/bare-workflow.ts, a workflow of a few lines that runs the same activities in the same order, done by " +
    "the same worker on the same Temporal",
  slow: true,
  async run(say) {
    const temporal = await TemporalBench.start();
    try {
      const worker = await temporal.beside(
        process.execPath,
        [join(import.meta.dirname, "floor/pipeline-worker.ts"), temporal.address, QUEUE],
        /^working$/,
      );
      const rows: Row[] = [];
      const first = await alternate<{ ours: number; floor: number }>(10, {
        ours: () => untilFirst(temporal, "Pipeline", { plan: planOf("wide", 1, temporal.logs) }),
        floor: () => untilFirst(temporal, "Bare", bareInput("wide", 1, temporal.logs)),
      });
      rows.push(row("from submitting to the first step", "ms", first.ours, first.floor));
      for (const steps of [200, 2000] as const)
        for (const shape of shapes) {
          // Every step of a chain waits for Temporal, a tenth of a second.
          const rounds = shape === "deep" && steps === 2000 ? 1 : ROUNDS;
          const peaks = { ours: [] as number[], floor: [] as number[] };
          const one = async (whose: "ours" | "floor", workflow: string, input: unknown): Promise<number> => {
            await forgetPeak(worker.pid);
            const seconds = await perform(temporal, workflow, input);
            peaks[whose].push(await peakMib(worker.pid));
            say(`${workflow}, ${shape}, ${steps} steps: ${seconds.toFixed(1)} s`);
            return (seconds * 1000) / steps;
          };
          const times = await alternate<{ ours: number; floor: number }>(rounds, {
            ours: () => one("ours", "Pipeline", { plan: planOf(shape, steps, temporal.logs) }),
            floor: () => one("floor", "Bare", bareInput(shape, steps, temporal.logs)),
          });
          rows.push(row(`${shape}, ${steps} steps: a step`, "ms", times.ours, times.floor, GOAL));
          if (steps === 2000)
            rows.push(row(`${shape}, ${steps} steps: memory of the worker`, "MiB", peaks.ours, peaks.floor));
        }
      return rows;
    } finally {
      await temporal.end();
    }
  },
};

function bareInput(shape: Shape, steps: number, logDir: string): BareInput {
  return { shape, steps, logDir };
}

function planOf(shape: Shape, count: number, logDir: string): Plan {
  const name = (index: number): string => `s${index}`;
  const dependencies = (index: number): string[] => {
    if (index === 0 || shape === "wide") return [];
    if (shape === "deep") return [name(index - 1)];
    if (index < count - 1) return [name(0)];
    return Array.from({ length: count - 2 }, (_, each) => name(each + 1));
  };
  const steps = Array.from({ length: count }, (_, index) => ({
    id: name(index),
    type: "command",
    command: "true",
    depends_on: dependencies(index),
  }));
  return readPlan(JSON.stringify({ log_dir: logDir, steps })).plan;
}

let runs = 0;

/** Runs a workflow to its end; returns seconds. */
async function perform(temporal: TemporalBench, workflow: string, input: unknown): Promise<number> {
  const start = performance.now();
  await temporal.client.workflow.execute(workflow, {
    workflowId: `${workflow}-${(runs += 1)}`,
    taskQueue: QUEUE,
    args: [input],
  });
  return (performance.now() - start) / 1000;
}

/** Milliseconds from submitting until its first step has begun. */
async function untilFirst(temporal: TemporalBench, workflow: string, input: unknown): Promise<number> {
  const workflowId = `${workflow}-${runs + 1}`;
  const submitted = Date.now();
  await perform(temporal, workflow, input);
  const events = (await readFile(join(temporal.logs, "events.jsonl"), "utf8")).trim().split("\n");
  const event = events
    .map((line) => begun.parse(JSON.parse(line)))
    .find((each) => each.workflowId === workflowId && each.status === "step_started");
  if (event === undefined) throw new Error(`${workflowId} has begun no step`);
  return Date.parse(event.timestamp) - submitted;
}
