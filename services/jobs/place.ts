import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkName, containerRoot, findProjectRoot } from "../dev/place.ts";

/** Where zephyr_job expected the project. */
const FORMER_ROOT = "/mnt/data_infra/workspace/sygaldry";

/** The folder of a job's project: zephyr_job's if it exists, so that scripts still work, otherwise that of `ai-how dev`. */
export function jobProjectRoot(folder: string, former = FORMER_ROOT): string {
  return existsSync(former) ? former : findProjectRoot(folder);
}

/** A job of a project. */
export interface JobPlace {
  readonly project: string;
  readonly job: string;
  /** Folder for the project's home, logs and caches. */
  readonly root: string;
}

/**
 * A job, with its files in SYGALDRY_CONTAINER_ROOT or the project's folder below the documented base.
 * @throws UserError for invalid names
 */
export function jobPlace(project: string, job: string): JobPlace {
  checkName("--project-id", project);
  checkName("--job", job);
  return { project, job, root: containerRoot(project) };
}

/** Name of the job's container. It is unique, so the runtime refuses a second container for the same job. */
export function containerName({ project, job }: JobPlace): string {
  return `ai-how-job.${project}.${job}`;
}

/** In containers: /opt/bazel_cache/zephyr_jobs. */
function eventsFolder(root: string): string {
  return join(root, "bazel_cache", "zephyr_jobs");
}

export function statusFile({ root, job }: JobPlace): string {
  return join(eventsFolder(root), `${job}.status`);
}

/** Contains a folder for each run's record. */
export function recordsFolder(root: string): string {
  return join(root, "jobs");
}

/** The files of one run. */
export interface RunFiles {
  readonly log: string;
  readonly pid: string;
  readonly events: string;
  /** Folder of the run's record. */
  readonly record: string;
  /** The file that the job writes its output to; the supervisor copies it to the log. */
  readonly spool: string;
}

/** @param run `20261125-101500` */
export function runFiles({ root, job }: JobPlace, run: string): RunFiles {
  const record = join(recordsFolder(root), `${job}-${run}`);
  return {
    log: join(root, "logs", `${job}-${run}.log`),
    pid: join(root, "logs", `${job}-${run}.pid`),
    events: join(eventsFolder(root), `${job}-${run}.jsonl`),
    record,
    spool: join(record, "output"),
  };
}
