import { InvalidArgumentError, Option, type Command } from "commander";
import { UserError } from "../config/errors.ts";
import { entrypoints, parseEntrypoint } from "../services/dev/entrypoints.ts";
import { usableGpus } from "../services/dev/gpus.ts";
import { ensureImage, wantedImage } from "../services/dev/image.ts";
import { containerRoot, findProjectRoot, makeFolders, projectId } from "../services/dev/place.ts";
import { passedVariables, runDev, VARIABLE } from "../services/dev/run.ts";
import { ContainerRuntime, type RuntimeProgram } from "../services/docker/runtime.ts";

interface DevOptions {
  readonly entrypoint: string;
  readonly projectRoot?: string;
  readonly engine?: RuntimeProgram;
  readonly env: readonly string[];
  readonly buildOnly?: boolean;
}

/** `dev`: runs a command, or a shell, in the development container. */
export function addDev(program: Command): void {
  program
    .command("dev")
    .description(
      "run a command, or a shell, in the development container of a project; the exit code is the command's",
    )
    .argument(
      "[command...]",
      "the command and its arguments, after --. Default: what the entrypoint runs without arguments",
    )
    .passThroughOptions()
    .option(
      "-e, --entrypoint <name>",
      `${entrypoints().join(", ")}. Default: SYGALDRY_ENTRYPOINT, else default`,
      process.env.SYGALDRY_ENTRYPOINT ?? "default",
    )
    .option(
      "--project-root <folder>",
      "the project, /workspace in the container. Default: the repository around the current folder",
    )
    .addOption(
      new Option("--engine <name>", "the container engine. Default: docker, else podman").choices([
        "docker",
        "podman",
      ]),
    )
    .option<readonly string[]>(
      "--env <name>",
      "pass this variable of the environment to the container",
      variable,
      [],
    )
    .option("--build-only", "build the image if an input has changed, and run nothing")
    .action(async (words: string[], options: DevOptions) => {
      process.exitCode = await dev(words, options);
    });
}

/** Runs a command in the development container and returns its exit code. */
export async function dev(words: readonly string[], options: DevOptions): Promise<number> {
  const image = wantedImage();
  const entrypoint = parseEntrypoint(options.entrypoint);
  const projectRoot = options.projectRoot ?? findProjectRoot(process.cwd());
  const project = projectId(projectRoot);
  const variables = [...passedVariables(), ...options.env];
  const unset = variables.find((name) => process.env[name] === undefined);
  if (unset !== undefined)
    throw new UserError(`--env: ${unset} is not set; set the variable, or leave the option out`);
  const root = containerRoot(project);
  const runtime = await ContainerRuntime.find(options.engine);
  if (options.buildOnly === true) {
    if (!(await ensureImage(runtime, image, note))) note(`${image.name} is up to date`);
    return 0;
  }
  makeFolders(root);
  await ensureImage(runtime, image, note);
  const { gpus, reason } = await usableGpus(runtime);
  if (reason !== undefined) note(`without GPUs: ${reason}`);
  return runDev(runtime, {
    project,
    root,
    projectRoot,
    image: image.name,
    entrypoint,
    words,
    gpus,
    variables,
  });
}

function note(line: string): void {
  process.stderr.write(`note: ${line}\n`);
}

/** Parses `--env`. Takes a name and no value, because other users of the host could read a value in the command line. */
export function variable(name: string, before: readonly string[]): string[] {
  if (!VARIABLE.test(name))
    throw new InvalidArgumentError(
      "Give a NAME without a value: the value is taken from the environment, which other users cannot read.",
    );
  return [...before, name];
}
