import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sync as writeFileAtomic } from "write-file-atomic";
import { z } from "zod";
import { ContainerRuntime, runtimePlaceSchema } from "../docker/runtime.ts";
import { eventLine, isoSeconds, runName, statusLine, type JobState, type JobStatus } from "./lines.ts";
import { processSchema } from "./process.ts";
import { recordsFolder, runFiles, statusFile, type JobPlace, type RunFiles } from "./place.ts";

const recordSchema = z.object({
  version: z.literal(1),
  project: z.string(),
  job: z.string(),
  root: z.string(),
  run: z.string(),
  engine: runtimePlaceSchema,
  container: z.string(),
  /** The process that starts the job; if it ends before the job runs, the run is lost. */
  starter: processSchema,
  startedAt: z.iso.datetime(),
  /** Size of a log file in bytes, and how many full ones are kept. */
  logBytes: z.int(),
  logKeep: z.int(),
  progressSeconds: z.number(),
});
export type RunRecord = z.output<typeof recordSchema>;

const outcomeSchema = z.object({
  state: z.enum(["DONE", "FAILED", "STOPPED", "LOST"]),
  at: z.iso.datetime(),
  exitCode: z.int().optional(),
  /** The runtime's message, if it could not start the container. */
  reason: z.string().optional(),
});
/** How a run ended; written once. */
export type Outcome = z.output<typeof outcomeSchema>;

const stopSchema = z.object({ at: z.iso.datetime() });
const RECORD = "record.json";
const OUTCOME = "outcome.json";
const STOP = "stop.json";
const RECORDS_KEPT = 20;

/** The record of one run of a job. The container's state comes from the runtime. */
export class Run {
  readonly record: RunRecord;
  readonly files: RunFiles;
  readonly runtime: ContainerRuntime;

  constructor(record: RunRecord) {
    this.record = record;
    this.files = runFiles(record, record.run);
    this.runtime = new ContainerRuntime(record.engine);
  }

  /** Creates a run's record. Waits for the next second if a run of the same job began in this one. */
  static async begin(
    place: JobPlace,
    rest: Omit<RunRecord, "run" | "startedAt" | keyof JobPlace>,
  ): Promise<Run> {
    const { root, job, project } = place;
    for (;;) {
      const now = new Date();
      const run = new Run({ ...rest, root, job, project, run: runName(now), startedAt: now.toISOString() });
      mkdirSync(recordsFolder(root), { recursive: true });
      try {
        mkdirSync(run.files.record, { mode: 0o700 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        await sleep(1000 - now.getMilliseconds());
        continue;
      }
      writeFileAtomic(join(run.files.record, RECORD), `${JSON.stringify(run.record)}\n`);
      return run;
    }
  }

  /** The run with its record in this folder; undefined if the record is missing or incomplete. */
  static read(folder: string): Run | undefined {
    const record = readJson(join(folder, RECORD), recordSchema);
    return record === undefined ? undefined : new Run(record);
  }

  get outcome(): Outcome | undefined {
    return readJson(join(this.files.record, OUTCOME), outcomeSchema);
  }

  /** When a stop was requested; undefined if none was. */
  get stopAskedAt(): Date | undefined {
    const asked = readJson(join(this.files.record, STOP), stopSchema);
    return asked === undefined ? undefined : new Date(asked.at);
  }

  askToStop(): void {
    if (this.stopAskedAt === undefined)
      writeFileAtomic(join(this.files.record, STOP), JSON.stringify({ at: new Date().toISOString() }));
  }

  /** Records the outcome, unless there is one; returns the recorded outcome. */
  conclude(outcome: Omit<Outcome, "at"> & { at?: Date }): Outcome {
    const file = join(this.files.record, OUTCOME);
    const draft = `${file}.${process.pid}`;
    const written: Outcome = { ...outcome, at: (outcome.at ?? new Date()).toISOString() };
    writeFileSync(draft, `${JSON.stringify(written)}\n`);
    try {
      // Linking is atomic: one process succeeds, and the file is complete.
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return this.outcome ?? written;
    } finally {
      rmSync(draft, { force: true });
    }
    this.announce(written);
    return written;
  }

  /** Writes the outcome to events and status file, unless they have it. */
  announce({ state, at, exitCode }: Outcome): void {
    const status = this.status(state, new Date(at), exitCode);
    const last = readText(this.files.events)?.trimEnd().split("\n").at(-1);
    if (last !== eventLine(status).trimEnd()) this.#event(status);
    this.setStatus(status);
  }

  /** Replaces the line of the status file and appends an event. */
  report(state: "START" | "PROGRESS", at = new Date()): void {
    if (this.outcome !== undefined) return;
    const status = this.status(state, at);
    this.#event(status);
    this.setStatus(status);
  }

  #event(status: JobStatus): void {
    mkdirSync(dirname(this.files.events), { recursive: true });
    appendFileSync(this.files.events, eventLine(status));
  }

  status(state: JobState, at: Date, exitCode?: number): JobStatus {
    return { state, job: this.record.job, ts: isoSeconds(at), ...(exitCode !== undefined && { exitCode }) };
  }

  /** Writes the status file if it has another content. */
  setStatus(status: JobStatus): void {
    const file = statusFile(this.record);
    const text = `${statusLine(status)}\n`;
    if (readText(file) !== text) writeFileAtomic(file, text);
  }

  /** Deletes the record, as when another job has taken the name. */
  forget(): void {
    rmSync(this.files.record, { recursive: true, force: true });
  }
}

/** The runs of a project, or of one of its jobs, oldest first. */
export function runsOf(root: string, job?: string): Run[] {
  let names: string[];
  try {
    names = readdirSync(recordsFolder(root));
  } catch {
    return [];
  }
  return names
    .filter((name) => job === undefined || name.slice(0, -RUN_LENGTH - 1) === job)
    .sort((a, b) => (a.slice(-RUN_LENGTH) < b.slice(-RUN_LENGTH) ? -1 : 1))
    .flatMap((name) => Run.read(join(recordsFolder(root), name)) ?? []);
}
const RUN_LENGTH = "20261125-101500".length;

/** Deletes the records of a job's old runs. Their logs and events belong to the user and stay. */
export function forgetOldRuns({ root, job }: JobPlace): void {
  for (const run of runsOf(root, job).slice(0, -RECORDS_KEPT)) if (run.outcome !== undefined) run.forget();
}

/** Parses one of our JSON files; undefined if it is missing or invalid. */
export function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
