/** State of a job, as in its status file. */
export type JobState = "START" | "PROGRESS" | "DONE" | "FAILED" | "STOPPED" | "LOST";

/** The content of a status line. */
export interface JobStatus {
  readonly state: JobState;
  readonly job: string;
  /** `date -Is`: local time to the second with its offset. */
  readonly ts: string;
  /** Exit code of a job that has ended; undefined if it never ran or was lost. */
  readonly exitCode?: number;
}

const FINAL: ReadonlySet<JobState> = new Set(["DONE", "FAILED", "STOPPED", "LOST"]);

export function isFinal(state: JobState): boolean {
  return FINAL.has(state);
}

/** `DONE job=train ts=2026-11-25T10:15:00+00:00 rc=0`. */
export function statusLine({ state, job, ts, exitCode }: JobStatus): string {
  const message = state === "PROGRESS" ? " msg=running" : "";
  const code = isFinal(state) && exitCode !== undefined ? ` rc=${exitCode}` : "";
  return `${state} job=${job} ts=${ts}${message}${code}`;
}

/** The last status in a status file of ai-how or zephyr_job; undefined if there is none. */
export function parseStatus(text: string): JobStatus | undefined {
  const line = text.trimEnd().split("\n").at(-1) ?? "";
  const [, state, job, ts, code] =
    /^(START|PROGRESS|DONE|FAILED|STOPPED|LOST) job=(\S+) ts=(\S+)(?: msg=running)?(?: rc=(\d+))?$/.exec(
      line,
    ) ?? [];
  if (state === undefined || job === undefined || ts === undefined) return undefined;
  return { state: state as JobState, job, ts, ...(code !== undefined && { exitCode: Number(code) }) };
}

const MESSAGES: Readonly<Record<JobState, string>> = {
  START: "starting",
  PROGRESS: "running",
  DONE: "rc=0",
  FAILED: "failed",
  STOPPED: "stopped before it ran",
  LOST: "the engine knows no such container any more",
};

/** A line of a job's events: `{ts, event, job, msg}` with the event in lower case. */
export function eventLine({ state, job, ts, exitCode }: JobStatus): string {
  const msg = isFinal(state) && exitCode !== undefined ? `rc=${exitCode}` : MESSAGES[state];
  return `${JSON.stringify({ ts, event: state.toLowerCase(), job, msg })}\n`;
}

/** A time in the format of `date -Is`. */
export function isoSeconds(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const digits = (value: number): string => String(value).padStart(2, "0");
  const size = Math.abs(offset);
  return `${local}${offset < 0 ? "-" : "+"}${digits(Math.floor(size / 60))}:${digits(size % 60)}`;
}

/** Name of a run, its local start time: `20261125-101500`. */
export function runName(time: Date): string {
  return isoSeconds(time).slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
}
