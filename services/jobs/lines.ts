/** What a job is, in the words of its status file. */
export type JobState = "START" | "PROGRESS" | "DONE" | "FAILED" | "STOPPED" | "LOST";

/** What a status line says. */
export interface JobStatus {
  readonly state: JobState;
  readonly job: string;
  /** `date -Is`: local time to the second with its offset. */
  readonly ts: string;
  /** Of a job that is over; undefined where it never ran, or nobody knows it. */
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

/** The last status of a status file, also one that the former tool wrote; undefined when there is none in it. */
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

/** A line of a job's events: `{ts, event, job, msg}`, the event in lower case. */
export function eventLine({ state, job, ts, exitCode }: JobStatus): string {
  const msg = isFinal(state) && exitCode !== undefined ? `rc=${exitCode}` : MESSAGES[state];
  return `${JSON.stringify({ ts, event: state.toLowerCase(), job, msg })}\n`;
}

/** A time as `date -Is` writes it. */
export function isoSeconds(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const digits = (value: number): string => String(value).padStart(2, "0");
  const size = Math.abs(offset);
  return `${local}${offset < 0 ? "-" : "+"}${digits(Math.floor(size / 60))}:${digits(size % 60)}`;
}

/** `20261125-101500`, local time: what tells the runs of a job apart. */
export function runName(time: Date): string {
  return isoSeconds(time).slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
}
