import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../config/errors.ts";
import { parseStatus, statusLine, type JobStatus } from "./lines.ts";
import { statusFile, type JobPlace } from "./place.ts";
import { isAlive } from "./process.ts";
import { readText, runsOf, type Outcome, type Run } from "./run.ts";
import { ensureSupervisor, lost, outcomeOf } from "./supervisor.ts";

const POLL_MILLISECONDS = 100;
// Checks this often whether the supervisor was killed.
const SUPERVISOR_POLLS = 50;

/** A run with its current status. */
export interface CurrentRun {
  readonly run: Run;
  readonly status: JobStatus;
  /** First process of the container on this host; undefined if it does not run. */
  readonly pid?: number;
}

export function newestRun({ root, job }: JobPlace): Run | undefined {
  return runsOf(root, job).at(-1);
}

/**
 * Asks the runtime for the current status of a run, as files may be out of date. Starts a missing supervisor and corrects
 * the status file.
 * @throws UserError if the runtime does not answer and the record has no outcome
 */
export async function look(run: Run): Promise<CurrentRun> {
  const { outcome, record } = run;
  if (outcome !== undefined) return over(run, outcome);
  const container = await run.runtime.inspect(record.container).catch((error: unknown) => {
    throw withWrittenStatus(run, error);
  });
  if (container === undefined || container.phase === "created") {
    // The supervisor may have recorded the outcome and removed the container meanwhile.
    if (run.outcome !== undefined) return over(run, run.outcome);
    if (isAlive(record.starter)) return { run, status: run.status("START", new Date(record.startedAt)) };
    // The supervisor copies the rest of the output to the log and records the loss.
    await ensureSupervisor(run);
    return { run, status: run.status(lost(run).state, new Date()) };
  }
  await ensureSupervisor(run);
  if (container.phase === "exited") {
    const { state, at, exitCode } = outcomeOf(run, container);
    return { run, status: run.status(state, at, exitCode) };
  }
  const written = writtenStatus(run);
  const status = written?.state === "PROGRESS" ? written : run.status("PROGRESS", container.startedAt);
  run.setStatus(status);
  return { run, status, pid: container.pid };
}

/** As `look`, but if the runtime does not answer, returns the last known status and the runtime's error. */
export async function lookOrLastKnown(run: Run): Promise<CurrentRun & { readonly silence?: UserError }> {
  try {
    return await look(run);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const status = writtenStatus(run) ?? run.status("START", new Date(run.record.startedAt));
    return { run, status, silence: error.cause instanceof UserError ? error.cause : error };
  }
}

/** Waits until a run has ended and its log is complete. */
export async function untilOver(run: Run): Promise<Outcome> {
  for (let polls = 1; ; polls++) {
    const { outcome } = run;
    if (outcome !== undefined) return outcome;
    // The runtime may be restarting.
    if (polls % SUPERVISOR_POLLS === 0) await look(run).catch(onlyUserErrors);
    await sleep(POLL_MILLISECONDS);
  }
}

function over(run: Run, outcome: Outcome): CurrentRun {
  run.announce(outcome);
  return { run, status: run.status(outcome.state, new Date(outcome.at), outcome.exitCode) };
}

function onlyUserErrors(error: unknown): void {
  if (!(error instanceof UserError)) throw error;
}

function withWrittenStatus(run: Run, error: unknown): unknown {
  const last = writtenStatus(run);
  if (!(error instanceof UserError) || last === undefined) return error;
  return new UserError(`${error.message}; last known status: ${statusLine(last)}`, { cause: error });
}

/** The status file's content, which may be out of date. */
function writtenStatus({ record }: Run): JobStatus | undefined {
  return parseStatus(readText(statusFile(record)) ?? "");
}
