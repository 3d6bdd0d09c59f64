import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import proto from "@temporalio/proto";
import { execa } from "execa";
import { planOf, type Shape } from "./plans.ts";
import type { Beside, TemporalBench } from "./temporal.ts";

const { INDEXED_VALUE_TYPE_KEYWORD: KEYWORD, INDEXED_VALUE_TYPE_TEXT: TEXT } =
  proto.temporal.api.enums.v1.IndexedValueType;

/** Variable with the folder of a Go worker. Without it the results have no rows of a Go worker. */
export const GO_WORKER = "AI_HOW_BENCH_GO_WORKER";
export const GO_QUEUE = "bench-go";

/**
 * Starts the Go worker of a folder: its program `worker`, otherwise builds `./cmd/worker` of its Go module. The worker gets
 * TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and TEMPORAL_TASK_QUEUE, and runs workflows of type `Pipeline` with `goPlan` as their input.
 */
export async function startGoWorker(temporal: TemporalBench, folder: string): Promise<Beside> {
  // Sygaldry's workflows set both.
  await temporal.client.connection.operatorService.addSearchAttributes({
    namespace: "default",
    searchAttributes: { CustomKeywordField: KEYWORD, CustomStringField: TEXT },
  });
  const ready = join(folder, "worker");
  const isBuilt = await access(ready, constants.X_OK).then(
    () => true,
    () => false,
  );
  const built = join(temporal.folder, "go-worker");
  if (!isBuilt) await execa("go", ["build", "-o", built, "./cmd/worker"], { cwd: folder });
  const worker = temporal.launch(isBuilt ? ready : built, [], {
    TEMPORAL_NAMESPACE: "default",
    TEMPORAL_TASK_QUEUE: GO_QUEUE,
  });
  // The first pipeline waits until it is ready.
  await temporal.perform("Pipeline", GO_QUEUE, goPlan("wide", 1, temporal.logs));
  return worker;
}

/** A plan for the Go worker: no retries, one action per step, all keys on the step. */
export function goPlan(shape: Shape, count: number, logDir: string): unknown {
  const { steps } = planOf(shape, count, logDir);
  return {
    logDir,
    steps: steps.map(({ id, name, dependsOn, timeoutSeconds }) => ({
      ...{ id, name, type: "command", command: "true", dependsOn, timeoutSeconds },
    })),
  };
}
