import { readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "commander";
import { UserError } from "../../config/errors.ts";
import { isFinal, parseStatus, statusLine, type JobStatus } from "../../services/jobs/lines.ts";
import { checkName, containerRoot } from "../../services/dev/place.ts";
import { statusFile, type JobPlace } from "../../services/jobs/place.ts";
import { readText, runsOf, type Run } from "../../services/jobs/run.ts";
import { look, lookOrLastKnown, newestRun } from "../../services/jobs/state.ts";
import { stopRun } from "../../services/jobs/stop.ts";
import { catchUp, follow, lastLines, newestEvents } from "../../services/jobs/tail.ts";
import { columns } from "../table.ts";
import { GRACE_SECONDS, placeOf, wholeNumber, withJob, type JobOptions } from "./options.ts";
import { report } from "./report.ts";
import { addRun } from "./run.ts";

/** `job`: named commands in containers that run in the background. */
export function addJob(program: Command): void {
  const job = program
    .command("job")
    .description("commands in containers that run in the background: start, follow, stop")
    .enablePositionalOptions()
    .action(() => {
      process.stdout.write(job.helpInformation());
      process.exitCode = 2;
    });
  addRun(job);
  addStatus(job);
  addTail(job);
  addStop(job);
  addHealth(job);
  addList(job);
}

function addStatus(job: Command): void {
  withJob(job.command("status"))
    .description("show the current state of the newest run; exit 1 if there is none")
    .action(async (options: JobOptions) => {
      const place = placeOf(options);
      const run = newestRun(place);
      if (run === undefined) {
        const status = former(place) ?? none(place);
        write(options, status, statusLine(status));
        return;
      }
      const seen = await look(run);
      write(options, report(seen), statusLine(seen.status));
    });
}

function addTail(job: Command): void {
  withJob(job.command("tail"))
    .description("show the last events of the newest run as JSON lines, or with --output its output")
    .option("--output", "standard output and error of the job instead of events")
    .option("-f, --follow", "continue until the job ends")
    .action(async (options: JobOptions & { output?: boolean; follow?: boolean }) => {
      const place = placeOf(options);
      const run = newestRun(place);
      if (run !== undefined) await (options.output === true ? catchUp(run) : look(run));
      const file = options.output === true ? run?.files.log : newestEvents(place);
      if (file === undefined) none(place);
      else await show(run, file, options.lines, options.follow === true);
    });
}

function addStop(job: Command): void {
  withJob(job.command("stop"))
    .description("stop the newest run with SIGTERM, later SIGKILL; exit 1 if none runs")
    .option("--grace <seconds>", "time between SIGTERM and SIGKILL", wholeNumber, GRACE_SECONDS)
    .action(async (options: JobOptions & { grace: number }) => {
      const place = placeOf(options);
      const run = newestRun(place) ?? none(place);
      const { status } = await look(run);
      if (isFinal(status.state)) throw new UserError(`${place.job}: not running: ${statusLine(status)}`);
      await stopRun(run, options.grace);
      const seen = await look(run);
      write(options, report(seen), statusLine(seen.status));
    });
}

function addHealth(job: Command): void {
  withJob(job.command("health"))
    .description("show whether the job's process runs, and its status; always exits with 0")
    .action(async (options: JobOptions) => {
      const place = placeOf(options);
      const run = newestRun(place);
      const seen = run === undefined ? undefined : await look(run).catch(() => undefined);
      const status = seen?.status ?? former(place);
      const written = Number(run === undefined ? undefined : readText(run.files.pid)) || undefined;
      const pid = seen?.pid ?? written;
      const state = seen?.pid === undefined ? "stale" : "running";
      write(
        options,
        { process: pid === undefined ? "unknown" : state, pid, status: status ?? "missing" },
        `${pid === undefined ? "pid=unknown" : `${state} pid=${pid}`}\n${status === undefined ? "status=missing" : statusLine(status)}`,
      );
    });
}

function addList(job: Command): void {
  job
    .command("list")
    .description("list the jobs of a project, or of all: state, time, exit code, log")
    .option("--project-id <id>", "ID of the project. Default: SYGALDRY_PROJECT_ID, otherwise all projects")
    .option("--json", "as JSON")
    .action(async (options: { projectId?: string; json?: boolean }) => {
      const runs = newestOfAll(options.projectId ?? process.env.SYGALDRY_PROJECT_ID);
      const seen = await Promise.all(runs.map(lookOrLastKnown));
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify(
              seen.map(({ silence, ...each }) => ({ ...report(each), isKnown: silence === undefined })),
              undefined,
              2,
            )}\n`
          : columns(
              seen.map(({ run, status, silence }) => [
                run.record.project,
                status.job,
                silence === undefined ? status.state : `${status.state}?`,
                status.ts,
                status.exitCode === undefined ? "" : `rc=${status.exitCode}`,
                run.files.log,
              ]),
            ),
      );
      const silences = new Set(seen.flatMap(({ silence }) => silence?.message ?? []));
      for (const message of silences) process.stderr.write(`ai-how: ${message}\n`);
      if (silences.size > 0) process.exitCode = 1;
    });
}

/** The newest run of each job. */
function newestOfAll(project: string | undefined): Run[] {
  if (project !== undefined) checkName("--project-id", project);
  const roots =
    project === undefined && process.env.SYGALDRY_CONTAINER_ROOT === undefined
      ? folders(dirname(containerRoot("any"))).map(containerRoot)
      : [containerRoot(project ?? "")];
  const newest = new Map<string, Run>();
  for (const run of roots.flatMap((root) => runsOf(root)))
    if (project === undefined || run.record.project === project)
      newest.set(`${run.record.project} ${run.record.job}`, run);
  return [...newest.values()];
}

function folders(parent: string): string[] {
  return statSync(parent, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(parent) : [];
}

/** The status that zephyr_job wrote; ai-how cannot check it. */
function former(place: JobPlace): JobStatus | undefined {
  return parseStatus(readText(statusFile(place)) ?? "");
}

function none({ job, project }: JobPlace): never {
  throw new UserError(
    `${job}: project ${project} has no run of this job; \`ai-how job list\` shows all jobs`,
  );
}

function write({ json }: JobOptions, value: object, text: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(value, undefined, 2)}\n` : `${text}\n`);
}

async function show(run: Run | undefined, file: string, lines: number, isFollowed: boolean): Promise<void> {
  const { text, end } = lastLines(file, lines);
  process.stdout.write(text);
  if (run === undefined || !isFollowed) return;
  for await (const block of follow(run, file, end))
    if (!process.stdout.write(block)) await new Promise((resolve) => process.stdout.once("drain", resolve));
}
