import { NativeConnection, Worker, type WorkflowBundle } from "@temporalio/worker";
import * as activities from "./activities/index.ts";
import { dataConverter } from "./codec.ts";
import { noTemporal, type TemporalPlace } from "./connection.ts";
import { bundleWorkflows } from "./workflow-bundle.ts";

export interface WorkerOptions extends TemporalPlace {
  /** Most steps at a time. Default: Temporal's, 100. */
  readonly steps?: number;
  /** The bundled workflows. Default: the product's. */
  readonly bundle?: WorkflowBundle;
}

/**
 * Connects a worker to one task queue. `run()` works until `shutdown()`, which waits for its steps.
 * @throws UserError where Temporal does not answer
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
    // Steps stop their programs and containers when the worker is told to end.
    shutdownGraceTime: "1 s",
    // No heartbeat of a step is dropped: Temporal notices a lost worker early, and a step learns early that it is cancelled.
    maxHeartbeatThrottleInterval: "4 s",
    ...(steps !== undefined && { maxConcurrentActivityTaskExecutions: steps }),
  });
}
