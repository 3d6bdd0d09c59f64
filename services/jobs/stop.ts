import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeRefusal } from "../docker/runtime.ts";
import { isSame, isStillThere, thisProcess } from "./process.ts";
import type { Outcome, Run } from "./run.ts";
import { startSupervisor } from "./supervisor.ts";
import { untilOver } from "./state.ts";

const POLL_MILLISECONDS = 100;

/**
 * Ends a run, in whatever state it is: what runs gets SIGTERM and, later, SIGKILL; what only starts is stopped by who starts
 * it, or, where that is gone, by us. Returns when it is over.
 */
export async function stopRun(run: Run, graceSeconds: number): Promise<Outcome> {
  const { engine, record } = run;
  const isOurs = isSame(record.starter, thisProcess());
  run.askToStop();
  for (;;) {
    const { outcome } = run;
    if (outcome !== undefined) return outcome;
    const container = await engine.inspect(record.container);
    if (container?.phase === "running") {
      await engine.stop(record.container, graceSeconds).catch(unlessGone);
    } else if (container?.phase === "exited") {
      startSupervisor(run);
      return untilOver(run);
    } else if (container?.phase === "created") {
      await engine.remove(record.container);
    } else if (isOurs || !isStillThere(record.starter)) {
      startSupervisor(run);
      return untilOver(run);
    }
    await sleep(POLL_MILLISECONDS);
  }
}

/** It may have ended before it was told to. */
function unlessGone(error: unknown): void {
  if (!(
    error instanceof RuntimeRefusal &&
    /no such container|no container with name|is not running/i.test(error.message)
  ))
    throw error;
}
