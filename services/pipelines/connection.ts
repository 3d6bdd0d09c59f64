import { UserError } from "../../config/errors.ts";

/** Where Temporal is, and which queue pipelines wait in. */
export interface TemporalPlace {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
}

/** What was asked for, else the environment's word, else the defaults of a development server. */
export function temporalPlace(asked: Partial<TemporalPlace> = {}): TemporalPlace {
  const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TASK_QUEUE } = process.env;
  return {
    address: asked.address ?? TEMPORAL_ADDRESS ?? "localhost:7233",
    namespace: asked.namespace ?? TEMPORAL_NAMESPACE ?? "default",
    taskQueue: asked.taskQueue ?? TEMPORAL_TASK_QUEUE ?? "orchestration",
  };
}

/** What to say where Temporal does not answer. */
export function noTemporal(address: string, cause: unknown): UserError {
  return new UserError(
    `unable to create Temporal client: nobody answers at ${address}; start a server with \`ai-how pipeline dev-server\`, or name one with --address`,
    { cause },
  );
}
