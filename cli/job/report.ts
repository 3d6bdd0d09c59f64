import type { CurrentRun } from "../../services/jobs/state.ts";

/** A run as JSON. */
export function report({ run, status, pid }: CurrentRun): object {
  const { record, files, outcome } = run;
  return {
    project: record.project,
    ...status,
    run: record.run,
    startedAt: record.startedAt,
    ...(outcome !== undefined && { finishedAt: outcome.at }),
    ...(outcome?.reason !== undefined && { reason: outcome.reason }),
    ...(pid !== undefined && { pid }),
    engine: record.engine.program,
    container: record.container,
    log: files.log,
    events: files.events,
  };
}
