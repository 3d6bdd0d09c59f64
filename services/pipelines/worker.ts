import { NativeConnection, Worker, type WorkflowBundle } from "@temporalio/worker";
import * as activities from "./activities/index.ts";
import { dataConverter } from "./codec.ts";
import { noTemporal, type TemporalPlace } from "./connection.ts";
import { bundleWorkflows } from "./workflow-bundle.ts";

export interface WorkerOptions extends TemporalPlace {
  /** How many steps it does at a time. Default: Temporal's, 100. */
  readonly steps?: number;
  /** Code of the workflows, where somebody has bundled it already. */
  readonly bundle?: WorkflowBundle;
}

/**
 * A worker for one task queue, connected and not yet at work: `run()` works until `shutdown()`, which lets steps end.
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
    // Each word of a step reaches Temporal, which then knows early who is lost, and tells the step early that it is cancelled.
    maxHeartbeatThrottleInterval: "4 s",
    ...(steps !== undefined && { maxConcurrentActivityTaskExecutions: steps }),
  });
}
