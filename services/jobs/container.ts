import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { projectArguments } from "../dev/container.ts";
import { entrypointPath } from "../dev/entrypoints.ts";
import type { RuntimeProgram } from "../docker/runtime.ts";
import type { GpuSelection } from "../docker/gpus.ts";
import { containerName, type JobPlace } from "./place.ts";

// Where the job's output goes; see wrapper.sh. The engine's own log has what a broken image says.
const OUTPUT = "/ai-how/output";
const WRAPPER = readFileSync(new URL("wrapper.sh", import.meta.url), "utf8");
const LOG_DRIVERS: Readonly<Record<RuntimeProgram, string>> = { docker: "local", podman: "k8s-file" };

/** What is to be run, and in what. */
export interface JobContainer {
  readonly place: JobPlace;
  readonly run: string;
  /** File on this host that gets the output; it has to be there. */
  readonly spool: string;
  readonly image: string;
  /** Mounted as /workspace, where the command begins. */
  readonly projectRoot: string;
  /** Of the development container's image, which gets the words as they are; undefined: they are one line of `bash -lc`. */
  readonly entrypoint: string | undefined;
  readonly words: readonly string[];
  readonly gpus: GpuSelection;
}

/**
 * Arguments of `create`.
 * @throws UserError where the project's folder is missing
 */
export function createArguments(program: RuntimeProgram, job: JobContainer): string[] {
  const { place, run, spool, image, words, entrypoint } = job;
  const labels = { project: place.project, name: place.job, run };
  return [
    ...["--name", containerName(place)],
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `ai-how.job.${key}=${value}`]),
    ...projectArguments(program, { ...job, project: place.project, root: place.root }),
    ...["--volume", `${resolve(spool)}:${OUTPUT}`],
    ...["--log-driver", LOG_DRIVERS[program]],
    ...["--entrypoint", "bash", image, "-c", WRAPPER, place.job, OUTPUT],
    ...(entrypoint === undefined ? ["bash", "-lc", words.join(" ")] : [entrypointPath(entrypoint), ...words]),
  ];
}
