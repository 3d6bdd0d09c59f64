import { NativeConnection, Worker, type WorkflowBundle } from "@temporalio/worker";
import * as activities from "./activities/index.ts";
import { dataConverter } from "./codec.ts";
import { noTemporal, type TemporalPlace } from "./connection.ts";
import { bundleWorkflows } from "./workflow-bundle.ts";

export interface WorkerOptions extends TemporalPlace {
  /** Largest number of steps at a time. Default: Temporal's, 100. */
  readonly steps?: number;
  /** The bundled workflows. Default: the product's. */
  readonly bundle?: WorkflowBundle;
}

/**
 * Connects a worker to one task queue. `run()` works until `shutdown()`, which waits for its steps.
 * @throws UserError if Temporal does not answer
 */
export async function createWorker({
  address,
  namespace,
  taskQueue,
  steps,
  bundle,
}: WorkerOptions): Promise<Worker> {
  const connection = await NativeConnection.connect({ address }).catch((error: unknown) => {
    throw noTemporal(address, error);
  });
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: bundle ?? (await bundleWorkflows()),
    activities,
    dataConverter,
    // Time for steps to stop their programs and containers when the worker shuts down.
    shutdownGraceTime: "1 s",
    // Do not throttle heartbeats: Temporal then notices a lost worker early, and a step notices a cancellation early.
    maxHeartbeatThrottleInterval: "4 s",
    ...(steps !== undefined && { maxConcurrentActivityTaskExecutions: steps }),
  });
}
