import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeRefusal } from "../docker/runtime.ts";
import { isSame, isAlive, thisProcess } from "./process.ts";
import type { Outcome, Run } from "./run.ts";
import { startSupervisor } from "./supervisor.ts";
import { untilOver } from "./state.ts";

const POLL_MILLISECONDS = 100;

/**
 * Stops a run in any state and waits for its end. A running container gets SIGTERM, then SIGKILL. A run that is still
 * starting is stopped by the process that starts it, or by this one if that has ended.
 */
export async function stopRun(run: Run, graceSeconds: number): Promise<Outcome> {
  const { runtime, record } = run;
  const isOurs = isSame(record.starter, thisProcess());
  run.askToStop();
  for (;;) {
    const { outcome } = run;
    if (outcome !== undefined) return outcome;
    const container = await runtime.inspect(record.container);
    if (container?.phase === "running") {
      await runtime.stop(record.container, graceSeconds).catch(ignoreEnded);
    } else if (container?.phase === "exited") {
      startSupervisor(run);
      return untilOver(run);
    } else if (container?.phase === "created") {
      await runtime.remove(record.container);
    } else if (isOurs || !isAlive(record.starter)) {
      startSupervisor(run);
      return untilOver(run);
    }
    await sleep(POLL_MILLISECONDS);
  }
}

/** Ignores the error of a container that has just ended. */
function ignoreEnded(error: unknown): void {
  if (!(
    error instanceof RuntimeRefusal &&
    /no such container|no container with name|is not running/i.test(error.message)
  ))
    throw error;
}
