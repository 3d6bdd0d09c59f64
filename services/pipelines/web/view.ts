import { z } from "zod";

// What goes out to pages and programs. The page parses with the same schemas.

/** Milliseconds since 1970; null where it has not happened. */
const time = z.number().nullable();

export const stepStates = [
  "waiting",
  "queued",
  "running",
  "retrying",
  "success",
  "failed",
  "skipped",
  "cancelled",
  "unknown",
] as const;

export const stepViewSchema = z.object({
  id: z.string(),
  /** The run that did it, whose logs it has: a long pipeline goes on as another run. */
  runId: z.string(),
  name: z.string(),
  type: z.string(),
  dependsOn: z.array(z.string()),
  /** `queued`: no worker has taken it; `retrying`: it waits for its next try; `unknown`: nobody can say any more. */
  state: z.enum(stepStates),
  /** Why it was skipped, failed, or is tried again; empty else. */
  reason: z.string(),
  /** Which try this is; 0 before the first. */
  attempt: z.int(),
  /** How often it is tried at most; 0 where nobody can say. */
  attempts: z.int(),
  /** Task queue that it waits in. */
  queue: z.string(),
  /** The worker that does it, or did. */
  worker: z.string(),
  /** What its worker last said of how far it is; empty where nothing. */
  progress: z.string(),
  scheduledAt: time,
  /** Beginning of the last try. */
  startedAt: time,
  endedAt: time,
  exitCode: z.int().nullable(),
});
export type StepView = z.infer<typeof stepViewSchema>;
export type StepViewState = StepView["state"];

export const runStates = [
  "running",
  "cancelling",
  "success",
  "failed",
  "cancelled",
  "terminated",
  "unknown",
] as const;

const runHeadShape = {
  workflowId: z.string(),
  runId: z.string(),
  state: z.enum(runStates),
  startedAt: time,
  endedAt: time,
};

/** A run without its steps. */
export const runHeadSchema = z.object({
  ...runHeadShape,
  /** Why it failed; empty where it did not. */
  failure: z.string(),
  /** `logs` where Temporal knows nothing of it: then there are no dependencies, and only steps that began. */
  source: z.enum(["temporal", "logs"]),
});
export type RunHead = z.infer<typeof runHeadSchema>;

/** `/api/runs`: an entry of the old page's list, and what was missing there. */
export const runSummarySchema = z.object({
  ...runHeadShape,
  /** RFC 3339; of the last thing that happened. */
  last: z.string(),
  /** `done/total`. */
  progress: z.string(),
  status: z.enum(["failed", "success", "running"]),
});
export type RunSummary = z.infer<typeof runSummarySchema>;
export const runListSchema = z.array(runSummarySchema);

/** `/api/runs/{runId}`: steps that have begun, as the old page had them. */
export const runDetailsSchema = z.object({
  workflowId: z.string(),
  runId: z.string(),
  steps: z.array(
    z.object({
      stepId: z.string(),
      status: z.string(),
      exitCode: z.int(),
      durationSec: z.number(),
      stdoutPath: z.string(),
      stderrPath: z.string(),
    }),
  ),
});

/** Data of the events of `/api/runs/{runId}/live`: first everything, then what has changed. */
export const changeSchema = z.object({ run: runHeadSchema, steps: z.array(stepViewSchema) });
export type Change = z.infer<typeof changeSchema>;

export const aboutSchema = z.object({
  /** Whether Temporal answers. */
  temporal: z.boolean(),
  address: z.string(),
  namespace: z.string(),
  logDirectory: z.string(),
});
export type About = z.infer<typeof aboutSchema>;

export const logLineSchema = z.object({
  timestamp: z.string(),
  stream: z.string(),
  message: z.string(),
});
export type LogLine = z.infer<typeof logLineSchema>;

/** A piece of a step's log. */
export const logPieceSchema = z.object({
  lines: z.array(logLineSchema),
  /** Where the piece begins in the file; 0: nothing is before it. */
  from: z.int(),
});
export type LogPiece = z.infer<typeof logPieceSchema>;

export const problemSchema = z.object({ error: z.string() });

/** States in which nothing happens to a step any more. */
export function isOver(state: StepViewState): boolean {
  return !["waiting", "queued", "running", "retrying"].includes(state);
}
