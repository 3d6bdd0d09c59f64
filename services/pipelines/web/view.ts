import { z } from "zod";

// Replies to pages and programs. The page parses with the same schemas.

/** Milliseconds since 1970; null if it has not happened. */
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
  /** The run that ran it and has its logs: another run continues a long pipeline. */
  runId: z.string(),
  name: z.string(),
  type: z.string(),
  dependsOn: z.array(z.string()),
  /** `queued`: no worker has taken it; `retrying`: it waits for its next attempt; `unknown`: its outcome was lost. */
  state: z.enum(stepStates),
  /** Why it was skipped, failed, or is retried; otherwise empty. */
  reason: z.string(),
  /** Number of the attempt; 0 before the first. */
  attempt: z.int(),
  /** Largest number of attempts; 0 if unknown. */
  attempts: z.int(),
  /** Its task queue. */
  queue: z.string(),
  /** The worker that runs or ran it. */
  worker: z.string(),
  /** The last progress from its worker; empty if there is none. */
  progress: z.string(),
  scheduledAt: time,
  /** Start of the last attempt. */
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
  /** Why it failed; otherwise empty. */
  failure: z.string(),
  /** `logs` if Temporal does not have the run; then dependencies and steps that never began are missing. */
  source: z.enum(["temporal", "logs"]),
});
export type RunHead = z.infer<typeof runHeadSchema>;

/** `/api/runs`: an entry of the old page's list, with more fields. */
export const runSummarySchema = z.object({
  ...runHeadShape,
  /** Time of the last change, RFC 3339. */
  last: z.string(),
  /** `done/total`. */
  progress: z.string(),
  status: z.enum(["failed", "success", "running"]),
});
export type RunSummary = z.infer<typeof runSummarySchema>;
export const runListSchema = z.array(runSummarySchema);

/** `/api/runs/{runId}`: the steps that have begun, in the old page's format. */
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

/** Data of the events of `/api/runs/{runId}/live`: first the whole run, then changes. */
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
  /** Offset of the piece in the file; 0 is the beginning. */
  from: z.int(),
});
export type LogPiece = z.infer<typeof logPieceSchema>;

export const problemSchema = z.object({ error: z.string() });

/** Final states of a step. */
export function isOver(state: StepViewState): boolean {
  return !["waiting", "queued", "running", "retrying"].includes(state);
}
