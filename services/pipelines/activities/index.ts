import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Context } from "@temporalio/activity";
import type {
  CommandAction,
  ContainerJobAction,
  DatasetAction,
  DockerBuildAction,
  DownloadAction,
  ModelAction,
} from "../plan/index.ts";
import type { ActionResult } from "../result.ts";
import { containerName, removeContainer } from "./containers.ts";
import { download } from "./download.ts";
import { datasetProgram, modelProgram } from "./hub.ts";
import { endWithWorker } from "./reaper.ts";
import { performProgram, performQuietly, type StepInput } from "./step.ts";

// Absolute, as a step may have another working directory.
const AI_HOW = fileURLToPath(new URL("../../../bin/ai-how", import.meta.url));

// The names of the old workers' activities, so that monitoring still works.
/** Type `command`. */
export function RunCommand(input: StepInput<CommandAction>): Promise<ActionResult> {
  const { command, args } = input.action;
  return performProgram(input, { program: command, args });
}

/** Type `package_build`. */
export function PackageBuild(input: StepInput<CommandAction>): Promise<ActionResult> {
  return RunCommand(input);
}

/** Type `download`. */
export function DownloadFile(input: StepInput<DownloadAction>): Promise<ActionResult> {
  const { output } = input.action;
  return performQuietly(input, async (onProgress, signal) => {
    const place = resolve(input.workingDir ?? ".", output);
    await download({ ...input.action, output: place }, { onProgress, signal });
    return `downloaded ${output}`;
  });
}

/** Type `docker_build`. */
export function DockerBuild(input: StepInput<DockerBuildAction>): Promise<ActionResult> {
  const { image, context, dockerfile, buildArgs, labels, platform, target } = input.action;
  const pairs = (flag: string, values: Readonly<Record<string, string>>): string[] =>
    Object.entries(values).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  return performProgram(input, {
    program: "docker",
    tellsProgress: true,
    args: [
      ...["build", "-t", image],
      ...(dockerfile === undefined ? [] : ["-f", dockerfile]),
      ...pairs("--build-arg", buildArgs),
      ...pairs("--label", labels),
      ...(platform === undefined ? [] : ["--platform", platform]),
      ...(target === undefined ? [] : ["--target", target]),
      context,
    ],
  });
}

/** Type `docker_push`. */
export function DockerPush(input: StepInput<{ image: string }>): Promise<ActionResult> {
  return performProgram(input, {
    program: "docker",
    args: ["push", input.action.image],
    tellsProgress: true,
  });
}

/**
 * Type `container_job`: the launcher gets the command line as one argument for a shell, and the environment by name, so that
 * no argument contains values. The container's name follows from the step, so that every attempt knows which one to remove.
 */
export async function ContainerJob(input: StepInput<ContainerJobAction>): Promise<ActionResult> {
  const { command, projectId, entrypoint, env, gpu, launcherPath } = input.action;
  const { workflowExecution, attempt } = Context.current().info;
  const { workflowId = "", runId = "" } = workflowExecution ?? {};
  const name = containerName(workflowId, runId, input.stepId);
  const engineEnv = { ...process.env, ...input.env };
  // An earlier worker may have left it, if its reaper was killed as well.
  if (attempt > 1) await removeContainer(name, engineEnv);
  const forget = endWithWorker(`container ${name}`);
  let exitCode: number | undefined;
  try {
    const result = await performProgram(input, {
      program: launcherPath ?? AI_HOW,
      args: [
        ...(launcherPath === undefined ? ["dev"] : []),
        ...["--entrypoint", entrypoint, "--", "bash", "-lc", command],
      ],
      env: {
        ...env,
        SYGALDRY_PASS_ENV: Object.keys(env).join(","),
        SYGALDRY_CONTAINER_NAME: name,
        ...(projectId !== undefined && { SYGALDRY_PROJECT_ID: projectId }),
        ...(!gpu && { SYGALDRY_GPU: "false" }),
      },
    });
    ({ exitCode } = result);
    return result;
  } finally {
    // A killed client leaves its container running.
    if (exitCode !== 0) await removeContainer(name, engineEnv);
    forget();
  }
}

/** Type `hf_download_dataset`. */
export function HFDownloadDataset(input: StepInput<DatasetAction>): Promise<ActionResult> {
  return performProgram(input, datasetProgram(input.action, input.env));
}

/** Type `hf_download_model`. */
export function HFDownloadModel(input: StepInput<ModelAction>): Promise<ActionResult> {
  return performProgram(input, modelProgram(input.action, input.env));
}
