import { UserError } from "../../config/errors.ts";

/** A Temporal server and the task queue of pipelines. */
export interface TemporalPlace {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
}

/** The given values, else those of the environment, else the defaults of a development server. */
export function temporalPlace(asked: Partial<TemporalPlace> = {}): TemporalPlace {
  const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TASK_QUEUE } = process.env;
  return {
    address: asked.address ?? TEMPORAL_ADDRESS ?? "localhost:7233",
    namespace: asked.namespace ?? TEMPORAL_NAMESPACE ?? "default",
    taskQueue: asked.taskQueue ?? TEMPORAL_TASK_QUEUE ?? "orchestration",
  };
}

/** The error for a Temporal that does not answer. */
export function noTemporal(address: string, cause: unknown): UserError {
  return new UserError(
    `unable to create Temporal client: nobody answers at ${address}; start a server with \`ai-how pipeline dev-server\`, or name one with --address`,
    { cause },
  );
}
