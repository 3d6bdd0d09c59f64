import { defaultPayloadConverter, type Payload } from "@temporalio/common";
import type { temporal } from "@temporalio/proto";
import { z } from "zod";
import { decompressed } from "../codec.ts";

// The parts of payloads in Temporal's history that are used here.

type Failure = temporal.api.failure.v1.IFailure;

// From Temporal's protocol, temporal/api/enums/v1.
const TIMEOUT_HEARTBEAT = 4;

/** The outcome of a step, in results and in inputs of continued runs. */
export const outcomeSchema = z.object({
  id: z.string(),
  state: z.enum(["success", "failed", "skipped", "cancelled"]),
  skipReason: z.string().default(""),
  result: z.object({ exitCode: z.number().default(0), error: z.string().default("") }).optional(),
});
export type Outcome = z.infer<typeof outcomeSchema>;

/** A pipeline's result. */
export const outcomesSchema = z.object({ steps: z.array(outcomeSchema) });

/** The input of a pipeline. */
export const inputSchema = z.object({
  plan: z.object({
    maxParallel: z.number().optional(),
    steps: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        dependsOn: z.array(z.string()),
        when: z.object({ step: z.string(), status: z.enum(["success", "failure"]) }).optional(),
        retry: z.object({ attempts: z.number() }),
        queue: z.string().optional(),
        action: z.object({ type: z.string() }),
      }),
    ),
  }),
  outcomes: z.array(outcomeSchema).default([]),
});
export type PlannedStep = z.infer<typeof inputSchema>["plan"]["steps"][number];

/** An activity's result. */
export const actionResultSchema = z.object({
  succeeded: z.boolean(),
  exitCode: z.number(),
  error: z.string().default(""),
});

/** Milliseconds since 1970; null if there is no time. */
export function milliseconds(time: temporal.api.history.v1.IHistoryEvent["eventTime"]): number | null {
  if (time?.seconds == null) return null;
  return time.seconds.toNumber() * 1000 + Math.floor((time.nanos ?? 0) / 1_000_000);
}

/** The value of a payload; undefined if it cannot be read. */
export function decoded(payload: Payload | null | undefined): unknown {
  if (payload == null) return undefined;
  try {
    return defaultPayloadConverter.fromPayload<unknown>(decompressed(payload));
  } catch {
    return undefined;
  }
}

/** Why an attempt failed, in the words of the workflow's results. */
export function tryFailure(failure: Failure | null | undefined): string {
  const timeout = failure?.timeoutFailureInfo;
  if (timeout != null)
    return Number(timeout.timeoutType) === TIMEOUT_HEARTBEAT
      ? "its worker was lost"
      : "it took longer than timeout_seconds";
  return failure?.message ?? "";
}

const progressSchema = z.union([
  z.string(),
  // A download's.
  z.object({ bytes: z.number(), total: z.number().nullish() }).transform(({ bytes, total }) => {
    const megabytes = (count: number): string => (count / 1_000_000).toFixed(1);
    return total == null ? `${megabytes(bytes)} MB` : `${megabytes(bytes)} of ${megabytes(total)} MB`;
  }),
]);

/** A step's progress from its worker; empty if there is none. */
export function progressOf(payload: Payload | undefined): string {
  return progressSchema.safeParse(decoded(payload)).data ?? "";
}
