import { rmSync, writeFileSync } from "node:fs";
import { UserError } from "../../config/errors.ts";
import { makeFolders } from "../dev/place.ts";
import { RuntimeRefusal, type ContainerRuntime } from "../docker/runtime.ts";
import type { GpuSelection } from "../docker/gpus.ts";
import { createArguments } from "./container.ts";
import { isFinal, statusLine } from "./lines.ts";
import { containerName, type JobPlace } from "./place.ts";
import { thisProcess } from "./process.ts";
import { forgetOldRuns, Run } from "./run.ts";
import { look, newestRun, untilOver } from "./state.ts";
import { stopRun } from "./stop.ts";
import { startSupervisor } from "./supervisor.ts";

/** Exit code of a job that the runtime refused to start, as with `docker run`. */
const REFUSED = 125;

export interface StartOptions {
  readonly place: JobPlace;
  readonly runtime: ContainerRuntime;
  readonly image: string;
  /** Entrypoint of the development container's image, which gets the words unchanged. Default: they are one line of `bash -lc`. */
  readonly entrypoint: string | undefined;
  readonly words: readonly string[];
  readonly projectRoot: string;
  readonly gpus: GpuSelection;
  /** Variables for the container, secret or not. */
  readonly env: Readonly<Record<string, string>>;
  /** Stops a running job of the same name first. */
  readonly replace: boolean;
  /** Time between its SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
  readonly logBytes: number;
  readonly logKeep: number;
  readonly progressSeconds: number;
}

/** A started run. */
export interface Started {
  readonly run: Run;
  /** First process of the container on this host; undefined if it has ended. */
  readonly pid: number | undefined;
}

/**
 * Starts a job's container and its supervisor.
 * @throws UserError if a job of this name runs, if the runtime refuses, or if the job was stopped meanwhile
 */
export async function startJob(options: StartOptions): Promise<Started> {
  const { place, runtime } = options;
  await removeOldRun(options);
  forgetOldRuns(place);
  makeFolders(place.root);
  const container = containerName(place);
  const { logBytes, logKeep, progressSeconds } = options;
  const run = await Run.begin(place, {
    ...{ version: 1, engine: runtime.place, container, starter: thisProcess() },
    ...{ logBytes, logKeep, progressSeconds },
  });
  writeFileSync(run.files.spool, "", { mode: 0o600 });
  try {
    const job = { ...options, run: run.record.run, spool: run.files.spool };
    await runtime.create(createArguments(runtime.place.program, job), options.env);
  } catch (error) {
    if (error instanceof RuntimeRefusal && error.isNameTaken) {
      run.forget();
      throw nameTaken(place);
    }
    if (error instanceof UserError) run.forget();
    throw refused(run, error);
  }
  run.report("START");
  try {
    throwIfStopped(run);
    await runtime.start(container);
  } catch (error) {
    await runtime.remove(container);
    throw refused(run, error);
  }
  startSupervisor(run);
  if (run.stopAskedAt !== undefined) await stopRun(run, options.graceSeconds);
  throwIfStopped(run);
  const { pid = 0 } = (await runtime.inspect(container)) ?? {};
  if (pid === 0) return { run, pid: undefined };
  writeFileSync(run.files.pid, `${pid}\n`);
  return { run, pid };
}

/** Makes sure that no run and no container of this name is left. */
async function removeOldRun({ place, runtime, replace, graceSeconds }: StartOptions): Promise<void> {
  const run = newestRun(place);
  if (run !== undefined) {
    const { status } = await look(run);
    if (!isFinal(status.state)) {
      if (!replace) throw nameTaken(place, statusLine(status));
      await stopRun(run, graceSeconds);
    }
    await untilOver(run);
    // Its supervisor may have been killed before it removed the spool or the container.
    rmSync(run.files.spool, { force: true });
  }
  // A killed `job run` may have left a container that it did not start.
  const left = await runtime.inspect(containerName(place));
  if (left !== undefined && left.phase !== "running") await runtime.remove(left.id);
}

function nameTaken({ job, project }: JobPlace, status?: string): UserError {
  return new UserError(
    `${job}: a job of this name is already running${status === undefined ? "" : ` (${status})`}; \`ai-how job stop --project-id ${project} --job ${job}\` stops it, and --replace stops it first`,
  );
}

/** Throws if a stop of the run was requested. */
function throwIfStopped(run: Run): void {
  if (run.stopAskedAt !== undefined) throw new UserError(`${run.record.job}: stopped while it started`);
}

/** Records that a run did not start; returns the error to throw. */
function refused(run: Run, error: unknown): unknown {
  if (run.stopAskedAt !== undefined) {
    run.conclude({ state: "STOPPED" });
    return new UserError(`${run.record.job}: stopped while it started`);
  }
  if (!(error instanceof RuntimeRefusal)) return error;
  run.conclude({ state: "FAILED", exitCode: REFUSED, reason: error.message });
  return new UserError(`${run.record.job}: ${run.record.engine.program}: ${error.message}${remedy(error)}`);
}

function remedy({ message }: RuntimeRefusal): string {
  if (/could not select device driver|unresolvable CDI/.test(message))
    return "; install NVIDIA's container toolkit and run `nvidia-ctk runtime configure`, or give --gpu none";
  if (/pull access denied|no such image|unable to find image|not known/i.test(message))
    return "; build the image, or name another one with --image";
  return "";
}
