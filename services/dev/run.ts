import { randomBytes } from "node:crypto";
import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import { UserError } from "../../config/errors.ts";
import type { ContainerRuntime } from "../docker/runtime.ts";
import type { GpuSelection } from "../docker/gpus.ts";
import { projectArguments } from "./container.ts";
import { entrypointPath } from "./entrypoints.ts";

// Less than a cancelled step of a pipeline gets, so that the container ends before the step.
const GRACE_SECONDS = 8;
/** A name of an environment variable. */
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A command in a development container, run as this process's user. */
export interface DevRun {
  readonly project: string;
  readonly root: string;
  readonly projectRoot: string;
  readonly image: string;
  readonly entrypoint: string;
  /** Words of the command, passed unchanged. Default: the entrypoint's own command. */
  readonly words: readonly string[];
  readonly gpus: GpuSelection;
  /** Names of variables that the container gets from this environment. */
  readonly variables: readonly string[];
}

/** This process's standard input and output. */
export interface Streams {
  /** Whether both are terminals. */
  readonly isTerminal: boolean;
  /** Whether standard input is a pipe, file or socket. */
  readonly hasInput: boolean;
}

/** Arguments of `run` after the name. */
export function runArguments(
  program: ContainerRuntime["place"]["program"],
  run: DevRun,
  streams: Streams,
): string[] {
  return [
    ...(streams.isTerminal ? ["--interactive", "--tty"] : streams.hasInput ? ["--interactive"] : []),
    ...["--label", `ai-how.dev.project=${run.project}`],
    ...projectArguments(program, run),
    ...["--entrypoint", entrypointPath(run.entrypoint), run.image, ...run.words],
  ];
}

/**
 * Runs the command to its end; returns the exit code of the container or of the runtime. With SYGALDRY_CONTAINER_NAME the
 * container has that name, and an existing one, which an earlier attempt has left, is removed first.
 */
export async function runDev(runtime: ContainerRuntime, run: DevRun): Promise<number> {
  const asked = process.env.SYGALDRY_CONTAINER_NAME ?? "";
  const name = asked === "" ? `ai-how-dev.${run.project}.${randomBytes(4).toString("hex")}` : asked;
  if (asked !== "") await runtime.remove(name);
  return runtime.run(name, runArguments(runtime.place.program, run, standardStreams()), GRACE_SECONDS);
}

/**
 * Names of variables in SYGALDRY_PASS_ENV, which separates them with commas.
 * @throws UserError for an invalid name
 */
export function passedVariables(): string[] {
  const names = (process.env.SYGALDRY_PASS_ENV ?? "").split(",").filter((name) => name !== "");
  const wrong = names.find((name) => !VARIABLE.test(name));
  if (wrong !== undefined)
    throw new UserError(
      `SYGALDRY_PASS_ENV: ${wrong} is not a name of a variable; give names without values, separated by commas`,
      {
        exitCode: 2,
      },
    );
  return names;
}

function standardStreams(): Streams {
  const isTerminal = isatty(0) && isatty(1);
  try {
    const input = fstatSync(0);
    return { isTerminal, hasInput: input.isFIFO() || input.isFile() || input.isSocket() };
  } catch {
    // Standard input is closed.
    return { isTerminal, hasInput: false };
  }
}
