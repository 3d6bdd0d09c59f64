import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../config/errors.ts";
import type { RuntimeProgram } from "../docker/runtime.ts";
import { gpuArguments, type GpuSelection } from "../docker/gpus.ts";
import { projectFolders, type ProjectFolder } from "../../config/project-folders.ts";

// Variables that every container gets if they are set.
const PASSED = ["TERM", "LANG", "LC_ALL", "BAZEL_VERSION"];
// Variables for the hub's libraries. Other entrypoints do not get the token by default.
const PASSED_TO: Readonly<Record<string, readonly string[]>> = {
  "hf-download": ["HF_TOKEN", "HF_ENDPOINT", "HF_VENV_DIR"],
};
export const WORKSPACE = "/workspace";

/** A container of a project, for a job or for `ai-how dev`. */
export interface ProjectContainer {
  readonly project: string;
  /** Parent of the project's home and caches. */
  readonly root: string;
  /** Folder that is mounted as /workspace, the working directory. */
  readonly projectRoot: string;
  /** Entrypoint of the image; undefined if the container uses none. */
  readonly entrypoint: string | undefined;
  readonly gpus: GpuSelection;
  /** Names of variables that the container gets from this environment. */
  readonly variables?: readonly string[];
}

/**
 * Arguments of `create` and `run` for all containers of a project: mounts, user, network, environment, GPUs.
 * @throws UserError if the project's folder is missing
 */
export function projectArguments(program: RuntimeProgram, container: ProjectContainer): string[] {
  const { project, root, entrypoint, gpus, variables = [] } = container;
  const workspace = resolve(container.projectRoot);
  if (!existsSync(workspace))
    throw new UserError(`--project-root: ${workspace} does not exist; name the folder of the project`);
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const mounts = [
    ...Object.entries<ProjectFolder>(projectFolders).flatMap(([folder, { target }]) =>
      target === undefined ? [] : [`${join(resolve(root), folder)}:${target}`],
    ),
    `${workspace}:${WORKSPACE}`,
    ...["/etc/passwd", "/etc/group"].map((file) => `${file}:${file}:ro`),
  ];
  const env = {
    SYGALDRY_IN_CONTAINER: "1",
    SYGALDRY_PROJECT_ID: project,
    USER: "kvothe",
    HOME: projectFolders.monorepo_home.target,
    HF_HOME: projectFolders.hf_cache.target,
  };
  // By name: every user of the host can read arguments.
  const passed = new Set([...PASSED, ...(PASSED_TO[entrypoint ?? ""] ?? []), ...variables]);
  return [
    ...["--init", "--network", "host", "--ipc", "host"],
    // Rootless Podman otherwise maps the user to another number.
    ...(program === "podman" && uid !== 0 ? ["--userns", "keep-id"] : []),
    ...["--user", `${uid}:${gid}`, "--workdir", WORKSPACE],
    ...mounts.flatMap((mount) => ["--volume", mount]),
    ...Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    ...[...passed].flatMap((name) => (process.env[name] === undefined ? [] : ["--env", name])),
    ...gpuArguments(program, gpus),
  ];
}
