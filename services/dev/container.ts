import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UserError } from "../../config/errors.ts";
import type { RuntimeProgram } from "../docker/runtime.ts";
import { gpuArguments, type GpuSelection } from "../docker/gpus.ts";
import { projectFolders, type ProjectFolder } from "../../config/project-folders.ts";

// Handed over where they are set.
const PASSED = ["TERM", "LANG", "LC_ALL", "BAZEL_VERSION"];
// What the hub's libraries read; no other entrypoint gets the token unasked.
const PASSED_TO: Readonly<Record<string, readonly string[]>> = {
  "hf-download": ["HF_TOKEN", "HF_ENDPOINT", "HF_VENV_DIR"],
};
export const WORKSPACE = "/workspace";

/** A container of a project, whatever runs in it. */
export interface ProjectContainer {
  readonly project: string;
  /** Folder of the project's shared folders. */
  readonly root: string;
  /** Mounted as /workspace, where the command begins. */
  readonly projectRoot: string;
  /** undefined: none of the image's. */
  readonly entrypoint: string | undefined;
  readonly gpus: GpuSelection;
  /** Names of variables whose values come from the environment that the engine's command gets. */
  readonly variables?: readonly string[];
}

/**
 * Arguments of `create` and `run` that make a container one of a project: mounts, user, network, environment, GPUs.
 * @throws UserError where the project's folder is missing
 */
export function projectArguments(program: RuntimeProgram, container: ProjectContainer): string[] {
  const { project, root, entrypoint, gpus, variables = [] } = container;
  const workspace = resolve(container.projectRoot);
  if (!existsSync(workspace))
    throw new UserError(`--project-root: ${workspace} is not there; name the folder of the project`);
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
  // By name: a value in an argument can be read by everybody on the host.
  const passed = new Set([...PASSED, ...(PASSED_TO[entrypoint ?? ""] ?? []), ...variables]);
  return [
    ...["--init", "--network", "host", "--ipc", "host"],
    // Without root, Podman's users are others than the host's unless it is told.
    ...(program === "podman" && uid !== 0 ? ["--userns", "keep-id"] : []),
    ...["--user", `${uid}:${gid}`, "--workdir", WORKSPACE],
    ...mounts.flatMap((mount) => ["--volume", mount]),
    ...Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    ...[...passed].flatMap((name) => (process.env[name] === undefined ? [] : ["--env", name])),
    ...gpuArguments(program, gpus),
  ];
}
