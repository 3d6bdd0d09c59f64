import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../config/errors.ts";
import { gpuArguments, type GpuSelection } from "../docker/gpus.ts";
import type { EngineProgram } from "../docker/engine.ts";
import { containerName, type JobPlace } from "./place.ts";

/** Folders of a project that its containers share, and where they see them. */
const MOUNTS: Readonly<Record<string, string>> = {
  monorepo_home: "/home/kvothe",
  spack_store: "/opt/spack_store",
  bazel_cache: "/opt/bazel_cache",
  hf_cache: "/opt/hf_cache",
};
// Passed through by value: they hold no secret.
const PASSED = ["TERM", "LANG", "LC_ALL", "BAZEL_VERSION"];

// Where the job's output goes; see wrapper.sh. The engine's own log has what a broken image says.
const OUTPUT = "/ai-how/output";
const WRAPPER = readFileSync(new URL("wrapper.sh", import.meta.url), "utf8");
const LOG_DRIVERS: Readonly<Record<EngineProgram, string>> = { docker: "local", podman: "k8s-file" };

/** What is to be run, and in what. */
export interface JobContainer {
  readonly place: JobPlace;
  readonly run: string;
  /** File on this host that gets the output; it has to be there. */
  readonly spool: string;
  readonly image: string;
  /** Mounted as /workspace, where the command begins. */
  readonly projectRoot: string;
  /** A line for `bash -lc`. */
  readonly command: string;
  readonly gpus: GpuSelection;
  /** File of `NAME=VALUE` lines for the container; undefined: none. */
  readonly envFile: string | undefined;
}

/** Makes the folders that a container mounts, so that they belong to whoever starts it and not to the engine. */
export function makeFolders({ root }: JobPlace): void {
  for (const folder of [...Object.keys(MOUNTS), "logs", "config"])
    mkdirSync(join(root, folder), { recursive: true });
}

/**
 * Arguments of `create`.
 * @throws UserError where the project's folder is missing
 */
export function createArguments(program: EngineProgram, job: JobContainer): string[] {
  const { place, run, spool, image, command, envFile } = job;
  const workspace = resolve(job.projectRoot);
  if (!existsSync(workspace))
    throw new UserError(`--project-root: ${workspace} is not there; name the folder of the project`);
  const mounts = [
    ...Object.entries(MOUNTS).map(([folder, target]) => `${join(resolve(place.root), folder)}:${target}`),
    `${workspace}:/workspace`,
    `${resolve(spool)}:${OUTPUT}`,
    ...["/etc/passwd", "/etc/group"].map((file) => `${file}:${file}:ro`),
  ];
  const env = {
    SYGALDRY_IN_CONTAINER: "1",
    USER: "kvothe",
    HOME: MOUNTS.monorepo_home,
    HF_HOME: MOUNTS.hf_cache,
    ...Object.fromEntries(PASSED.map((name) => [name, process.env[name]])),
  };
  const labels = { project: place.project, name: place.job, run };
  return [
    ...["--name", containerName(place), "--init", "--network", "host", "--ipc", "host"],
    ...["--user", `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`, "--workdir", "/workspace"],
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `ai-how.job.${key}=${value}`]),
    ...mounts.flatMap((mount) => ["--volume", mount]),
    ...Object.entries(env).flatMap(([name, value]) =>
      value === undefined ? [] : ["--env", `${name}=${value}`],
    ),
    ...(envFile === undefined ? [] : ["--env-file", envFile]),
    ...["--log-driver", LOG_DRIVERS[program]],
    ...gpuArguments(program, job.gpus),
    ...["--entrypoint", "bash", image, "-c", WRAPPER, place.job, command, OUTPUT],
  ];
}
