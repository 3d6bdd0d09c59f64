import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { checkout } from "./checkout.ts";
import type { BareInput } from "./floor/bare-workflow.ts";
import { GO_QUEUE, GO_WORKER, goPlan, startGoWorker } from "./go-worker.ts";
import { alternate } from "./measure.ts";
import { planOf, shapes, type Shape } from "./plans.ts";
import { row, type Benchmark, type Row } from "./result.ts";
import { forgetPeak, peakMib, QUEUE, residentMib, TemporalBench, type Beside } from "./temporal.ts";

const ROUNDS = 3;
const FIRST_STEPS = 10;
const GOAL = { ratio: 1.3 };
const FLOOR_QUEUE = "bench-floor";
const begun = z.object({ workflowId: z.string(), status: z.string(), timestamp: z.iso.datetime() });

/** A worker, and the form of its workflows. */
interface Contender {
  readonly worker: Beside;
  readonly queue: string;
  readonly workflow: string;
  readonly input: (shape: Shape, steps: number) => unknown;
}

/** Time and memory per step, and the time until the first one begins. */
export const pipelines: Benchmark = {
  name: "pipelines",
  title: "Pipelines of steps that run `true`",
  floor:
    "bench/floor/bare-workflow.ts, a workflow of a few lines that runs the same activities in the same order, on a worker with " +
    "Node's own settings on the same Temporal; in rows that say so, the Go worker",
  slow: true,
  async run(say) {
    const temporal = await TemporalBench.start();
    try {
      const ours = await startOurs(temporal);
      const floor = await startFloor(temporal);
      const rows = [await idleMemory("an idle worker", ours, floor), await firstStep(temporal, ours, floor)];
      for (const steps of [200, 2000] as const)
        for (const shape of shapes)
          rows.push(
            ...(await compare(temporal, `${shape}, ${steps} steps`, [ours, floor], shape, steps, say)),
          );
      const folder = process.env[GO_WORKER];
      if (folder === undefined) return rows;
      const go: Contender = {
        worker: await startGoWorker(temporal, folder),
        ...{ queue: GO_QUEUE, workflow: "Pipeline" },
        input: (shape, steps) => goPlan(shape, steps, temporal.logs),
      };
      for (const shape of shapes)
        rows.push(
          ...(await compare(temporal, `${shape}, 200 steps, the Go worker`, [ours, go], shape, 200, say)),
        );
      return rows;
    } finally {
      await temporal.end();
    }
  },
};

async function startOurs(temporal: TemporalBench): Promise<Contender> {
  const args = ["pipeline", "worker", "--task-queue", QUEUE];
  return {
    worker: await temporal.beside(join(checkout, "bin/ai-how"), args, /^working on/),
    ...{ queue: QUEUE, workflow: "Pipeline" },
    input: (shape, steps) => ({ plan: planOf(shape, steps, temporal.logs) }),
  };
}

async function startFloor(temporal: TemporalBench): Promise<Contender> {
  const args = [join(import.meta.dirname, "floor/bare-worker.ts"), temporal.address, FLOOR_QUEUE];
  return {
    worker: await temporal.beside(process.execPath, args, /^working$/),
    ...{ queue: FLOOR_QUEUE, workflow: "Bare" },
    input: (shape, steps): BareInput => ({ shape, steps, logDir: temporal.logs }),
  };
}

async function idleMemory(what: string, ours: Contender, floor: Contender): Promise<Row> {
  const [mine, base] = [await residentMib(ours.worker.pid), await residentMib(floor.worker.pid)];
  return row(`memory of ${what}`, "MiB", [mine], [base]);
}

async function firstStep(temporal: TemporalBench, ours: Contender, floor: Contender): Promise<Row> {
  const until = (contender: Contender) => () => untilFirst(temporal, contender);
  const times = await alternate<{ ours: number; floor: number }>(FIRST_STEPS, {
    ours: until(ours),
    floor: until(floor),
  });
  return row("from submitting to the first step", "ms", times.ours, times.floor);
}

/** Time per step and peak memory of two workers, measured in turn. */
async function compare(
  temporal: TemporalBench,
  what: string,
  [ours, floor]: readonly [Contender, Contender],
  shape: Shape,
  steps: number,
  say: (line: string) => void,
): Promise<Row[]> {
  // A chain of 2,000 steps takes minutes.
  const rounds = shape === "deep" && steps === 2000 ? 1 : ROUNDS;
  const peaks = { ours: [] as number[], floor: [] as number[] };
  const one =
    (whose: "ours" | "floor", { worker, workflow, queue, input }: Contender) =>
    async (): Promise<number> => {
      await forgetPeak(worker.pid);
      const seconds = await temporal.perform(workflow, queue, input(shape, steps));
      peaks[whose].push(await peakMib(worker.pid));
      say(`${what}, ${whose}: ${seconds.toFixed(1)} s`);
      return (seconds * 1000) / steps;
    };
  const times = await alternate<{ ours: number; floor: number }>(rounds, {
    ours: one("ours", ours),
    floor: one("floor", floor),
  });
  return [
    row(`${what}: a step`, "ms", times.ours, times.floor, floor.queue === FLOOR_QUEUE ? GOAL : undefined),
    row(`${what}: memory of the worker`, "MiB", peaks.ours, peaks.floor),
  ];
}

/** Milliseconds from submitting until the first step has begun. */
async function untilFirst(temporal: TemporalBench, { workflow, queue, input }: Contender): Promise<number> {
  const submitted = Date.now();
  const { workflowId } = await temporal.performAs(workflow, queue, input("wide", 1));
  const events = (await readFile(join(temporal.logs, "events.jsonl"), "utf8")).trim().split("\n");
  const event = events
    .map((line) => begun.parse(JSON.parse(line)))
    .find((each) => each.workflowId === workflowId && each.status === "step_started");
  if (event === undefined) throw new Error(`${workflowId} has begun no step`);
  return Date.parse(event.timestamp) - submitted;
}
