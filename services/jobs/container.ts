import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { projectArguments } from "../dev/container.ts";
import { entrypointPath } from "../dev/entrypoints.ts";
import type { RuntimeProgram } from "../docker/runtime.ts";
import type { GpuSelection } from "../docker/gpus.ts";
import { containerName, type JobPlace } from "./place.ts";

// wrapper.sh writes the job's output here. The runtime's own log has only the errors of a broken image.
const OUTPUT = "/ai-how/output";
const WRAPPER = readFileSync(new URL("wrapper.sh", import.meta.url), "utf8");
const LOG_DRIVERS: Readonly<Record<RuntimeProgram, string>> = { docker: "local", podman: "k8s-file" };

/** A job's container and its command. */
export interface JobContainer {
  readonly place: JobPlace;
  readonly run: string;
  /** Existing file on this host that gets the output. */
  readonly spool: string;
  readonly image: string;
  /** Folder that is mounted as /workspace, the working directory. */
  readonly projectRoot: string;
  /** Entrypoint of the development container's image, which gets the words unchanged. Default: they are one line of `bash -lc`. */
  readonly entrypoint: string | undefined;
  readonly words: readonly string[];
  readonly gpus: GpuSelection;
}

/**
 * Arguments of `create`.
 * @throws UserError if the project's folder is missing
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
