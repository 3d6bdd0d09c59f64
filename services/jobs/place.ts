import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkName, containerRoot, findProjectRoot } from "../dev/place.ts";

/** Where the former tool looked for the project. */
const FORMER_ROOT = "/mnt/data_infra/workspace/sygaldry";

/** The folder of a job's project: the former tool's where that is there, so that scripts go on, else the one `ai-how dev` would take. */
export function jobProjectRoot(folder: string, former = FORMER_ROOT): string {
  return existsSync(former) ? former : findProjectRoot(folder);
}

/** Which job of which project. */
export interface JobPlace {
  readonly project: string;
  readonly job: string;
  /** Folder of the project's containers, logs and caches. */
  readonly root: string;
}

/**
 * Where a job's files are: SYGALDRY_CONTAINER_ROOT, else the project's folder of the documented base.
 * @throws UserError for names that no container can have
 */
export function jobPlace(project: string, job: string): JobPlace {
  checkName("--project-id", project);
  checkName("--job", job);
  return { project, job, root: containerRoot(project) };
}

/** The job's container, one at a time: the engine refuses a second one of this name. */
export function containerName({ project, job }: JobPlace): string {
  return `ai-how-job.${project}.${job}`;
}

/** Folder that containers see as /opt/bazel_cache/zephyr_jobs. */
function eventsFolder(root: string): string {
  return join(root, "bazel_cache", "zephyr_jobs");
}

export function statusFile({ root, job }: JobPlace): string {
  return join(eventsFolder(root), `${job}.status`);
}

/** Our own records of runs, a folder each. */
export function recordsFolder(root: string): string {
  return join(root, "jobs");
}

/** The files of one run. */
export interface RunFiles {
  readonly log: string;
  readonly pid: string;
  readonly events: string;
  /** Our own record of it, a folder. */
  readonly record: string;
  /** What the job itself writes its output to, until that is in the log. */
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
