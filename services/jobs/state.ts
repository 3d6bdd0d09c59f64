import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../config/errors.ts";
import { parseStatus, statusLine, type JobStatus } from "./lines.ts";
import { statusFile, type JobPlace } from "./place.ts";
import { isStillThere } from "./process.ts";
import { readText, runsOf, type Outcome, type Run } from "./run.ts";
import { ensureSupervisor, lost, outcomeOf } from "./supervisor.ts";

const POLL_MILLISECONDS = 100;
// A supervisor that was killed in the meantime is missed after so long.
const SUPERVISOR_POLLS = 50;

/** A run as it is at this moment. */
export interface Seen {
  readonly run: Run;
  readonly status: JobStatus;
  /** First process of the container on this host; undefined when it does not run. */
  readonly pid?: number;
}

export function newestRun({ root, job }: JobPlace): Run | undefined {
  return runsOf(root, job).at(-1);
}

/**
 * What has become of a run, which the engine is asked for: files say what was true when they were written. Starts a
 * supervisor where there should be one and is none, and corrects the status file.
 * @throws UserError when the engine does not answer and nothing final is on record
 */
export async function look(run: Run): Promise<Seen> {
  const { outcome, record } = run;
  if (outcome !== undefined) return over(run, outcome);
  const container = await run.engine.inspect(record.container).catch((error: unknown) => {
    throw withLastWord(run, error);
  });
  if (container === undefined || container.phase === "created") {
    // It may have ended, and been taken away, since the first look.
    if (run.outcome !== undefined) return over(run, run.outcome);
    if (isStillThere(record.starter)) return { run, status: run.status("START", new Date(record.startedAt)) };
    // What it has printed goes into its log first.
    await ensureSupervisor(run);
    return { run, status: run.status(lost(run).state, new Date()) };
  }
  await ensureSupervisor(run);
  if (container.phase === "exited") {
    const { state, at, exitCode } = outcomeOf(run, container);
    return { run, status: run.status(state, at, exitCode) };
  }
  const written = lastWord(run);
  const status = written?.state === "PROGRESS" ? written : run.status("PROGRESS", container.startedAt);
  run.setStatus(status);
  return { run, status, pid: container.pid };
}

/** The same, and where the engine does not answer the last that is known, with why nobody knows better. */
export async function lookOrRemember(run: Run): Promise<Seen & { readonly silence?: UserError }> {
  try {
    return await look(run);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const status = lastWord(run) ?? run.status("START", new Date(run.record.startedAt));
    return { run, status, silence: error.cause instanceof UserError ? error.cause : error };
  }
}

/** Waits until a run is over and all of its output is in its log. */
export async function untilOver(run: Run): Promise<Outcome> {
  for (let polls = 1; ; polls++) {
    const { outcome } = run;
    if (outcome !== undefined) return outcome;
    // An engine that restarts is waited for.
    if (polls % SUPERVISOR_POLLS === 0) await look(run).catch(onlyUserErrors);
    await sleep(POLL_MILLISECONDS);
  }
}

function over(run: Run, outcome: Outcome): Seen {
  run.announce(outcome);
  return { run, status: run.status(outcome.state, new Date(outcome.at), outcome.exitCode) };
}

function onlyUserErrors(error: unknown): void {
  if (!(error instanceof UserError)) throw error;
}

function withLastWord(run: Run, error: unknown): unknown {
  const last = lastWord(run);
  if (!(error instanceof UserError) || last === undefined) return error;
  return new UserError(`${error.message}; the last that is known: ${statusLine(last)}`, { cause: error });
}

/** What is in the status file, true or not. */
function lastWord({ record }: Run): JobStatus | undefined {
  return parseStatus(readText(statusFile(record)) ?? "");
}
