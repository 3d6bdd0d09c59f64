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

/** What an engine's own refusal counts as, as with `docker run`. */
const REFUSED = 125;

export interface StartOptions {
  readonly place: JobPlace;
  readonly engine: ContainerRuntime;
  readonly image: string;
  /** Of the development container's image, which gets the words as they are; undefined: they are one line of `bash -lc`. */
  readonly entrypoint: string | undefined;
  readonly words: readonly string[];
  readonly projectRoot: string;
  readonly gpus: GpuSelection;
  /** Variables for the container, secret or not. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends a run that is there first. */
  readonly replace: boolean;
  /** What that gets to end by itself. */
  readonly graceSeconds: number;
  readonly logBytes: number;
  readonly logKeep: number;
  readonly progressSeconds: number;
}

/** A run that has begun. */
export interface Started {
  readonly run: Run;
  /** First process of the container on this host; undefined when it has ended already. */
  readonly pid: number | undefined;
}

/**
 * Starts a job: a container of its name, and a supervisor for it.
 * @throws UserError where one of the name runs, where the engine refuses, or where it was stopped meanwhile
 */
export async function startJob(options: StartOptions): Promise<Started> {
  const { place, engine } = options;
  await makeRoom(options);
  forgetOldRuns(place);
  makeFolders(place.root);
  const container = containerName(place);
  const { logBytes, logKeep, progressSeconds } = options;
  const run = await Run.begin(place, {
    ...{ version: 1, engine: engine.place, container, starter: thisProcess() },
    ...{ logBytes, logKeep, progressSeconds },
  });
  writeFileSync(run.files.spool, "", { mode: 0o600 });
  try {
    const job = { ...options, run: run.record.run, spool: run.files.spool };
    await engine.create(createArguments(engine.place.program, job), options.env);
  } catch (error) {
    if (error instanceof RuntimeRefusal && error.isNameTaken) {
      run.forget();
      throw taken(place);
    }
    if (error instanceof UserError) run.forget();
    throw refused(run, error);
  }
  run.say("START");
  try {
    giveWay(run);
    await engine.start(container);
  } catch (error) {
    await engine.remove(container);
    throw refused(run, error);
  }
  startSupervisor(run);
  if (run.stopAskedAt !== undefined) await stopRun(run, options.graceSeconds);
  giveWay(run);
  const { pid = 0 } = (await engine.inspect(container)) ?? {};
  if (pid === 0) return { run, pid: undefined };
  writeFileSync(run.files.pid, `${pid}\n`);
  return { run, pid };
}

/** Sees to it that no run of this name is there. */
async function makeRoom({ place, engine, replace, graceSeconds }: StartOptions): Promise<void> {
  const run = newestRun(place);
  if (run !== undefined) {
    const { status } = await look(run);
    if (!isFinal(status.state)) {
      if (!replace) throw taken(place, statusLine(status));
      await stopRun(run, graceSeconds);
    }
    await untilOver(run);
    // Its supervisor may have been killed between its last acts.
    rmSync(run.files.spool, { force: true });
  }
  // So may whoever made a container and did not come to start it.
  const left = await engine.inspect(containerName(place));
  if (left !== undefined && left.phase !== "running") await engine.remove(left.id);
}

function taken({ job, project }: JobPlace, status?: string): UserError {
  return new UserError(
    `${job}: a job of this name is there already${status === undefined ? "" : ` (${status})`}; \`ai-how job stop --project-id ${project} --job ${job}\` ends it, and --replace does so first`,
  );
}

/** Ends the start of a run that somebody has asked to stop. */
function giveWay(run: Run): void {
  if (run.stopAskedAt !== undefined) throw new UserError(`${run.record.job}: stopped while it started`);
}

/** Puts down that a run could not be started, and says why in one line. */
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
