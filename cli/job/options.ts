import { InvalidArgumentError, Option, type Command } from "commander";
import { UserError } from "../../config/errors.ts";
import { jobPlace, type JobPlace } from "../../services/jobs/place.ts";

/** Options of every command about one job, as in zephyr_job. */
export interface JobOptions {
  readonly projectRoot?: string;
  readonly projectId?: string;
  readonly job?: string;
  readonly jobName?: string;
  readonly lines: number;
  readonly json?: boolean;
}

const LINES = 80;
/** Default time between SIGTERM and SIGKILL. */
export const GRACE_SECONDS = 30;

export function withJob(command: Command): Command {
  return command
    .option(
      "--project-root <folder>",
      "folder of the project, /workspace in the container. Default: the current repository",
    )
    .option("--project-id <id>", "ID of the project. Default: SYGALDRY_PROJECT_ID")
    .option("--job <name>", "name of the job")
    .addOption(new Option("--job-name <name>", "the same").hideHelp())
    .option("--lines <count>", "number of lines that tail shows", wholeNumber, LINES)
    .option("--json", "as JSON");
}

/** @throws UserError where an option is missing */
export function placeOf({ projectId, job, jobName }: JobOptions): JobPlace {
  const project = projectId ?? process.env.SYGALDRY_PROJECT_ID;
  const name = job ?? jobName;
  if (project === undefined) throw new UserError("--project-id is required: name a project", { exitCode: 2 });
  if (name === undefined) throw new UserError("--job is required: name a job", { exitCode: 2 });
  return jobPlace(project, name);
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError("Give a whole number of 0 or more.");
  return number;
}

export function positiveNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0 && number < 1e9)) throw new InvalidArgumentError("Give a number above 0.");
  return number;
}
