import { randomBytes } from "node:crypto";
import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import { UserError } from "../../config/errors.ts";
import type { ContainerRuntime } from "../docker/runtime.ts";
import type { GpuSelection } from "../docker/gpus.ts";
import { projectArguments } from "./container.ts";
import { entrypointPath } from "./entrypoints.ts";

// Less than the pipelines give a step that is cancelled, so that no container outlives one.
const GRACE_SECONDS = 8;
/** A name of an environment variable. */
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What is run in a development container, as this process's own user. */
export interface DevRun {
  readonly project: string;
  readonly root: string;
  readonly projectRoot: string;
  readonly image: string;
  readonly entrypoint: string;
  /** Words of the command, each as it is; none: the entrypoint's own. */
  readonly words: readonly string[];
  readonly gpus: GpuSelection;
  /** Names of variables of this environment that the container gets. */
  readonly variables: readonly string[];
}

/** What this process has for standard input and output. */
export interface Streams {
  /** Both are terminals. */
  readonly isTerminal: boolean;
  /** Somebody writes to it: a pipe or a file, not nothing. */
  readonly hasInput: boolean;
}

/** Arguments of `run`, after the name. */
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
 * Runs it to its end: the container's exit code, or the engine's own. SYGALDRY_CONTAINER_NAME names the container, and one of
 * that name, which another try of the same work has left, is removed first.
 */
export async function runDev(engine: ContainerRuntime, run: DevRun): Promise<number> {
  const asked = process.env.SYGALDRY_CONTAINER_NAME ?? "";
  const name = asked === "" ? `ai-how-dev.${run.project}.${randomBytes(4).toString("hex")}` : asked;
  if (asked !== "") await engine.remove(name);
  return engine.run(name, runArguments(engine.place.program, run, standardStreams()), GRACE_SECONDS);
}

/**
 * Names of variables that SYGALDRY_PASS_ENV lists with commas.
 * @throws UserError for what is no name
 */
export function passedVariables(): string[] {
  const names = (process.env.SYGALDRY_PASS_ENV ?? "").split(",").filter((name) => name !== "");
  const wrong = names.find((name) => !VARIABLE.test(name));
  if (wrong !== undefined)
    throw new UserError(
      `SYGALDRY_PASS_ENV: ${wrong} is no name of a variable; names with commas, no values`,
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
    // A closed one.
    return { isTerminal, hasInput: false };
  }
}
