import { Option, type Command } from "commander";
import { targetNames } from "../config/targets.ts";
import type { Engine, StackReference } from "../engine/engine.ts";
import { findRoot, loadStackConfig } from "../engine/project.ts";
import { selectEngine, type EngineChoice } from "../engine/select.ts";

/** Options of every command about a stack. */
export interface StackOptions {
  readonly engine: EngineChoice;
}

/** Adds the stack argument and the options of `StackOptions`. */
export function withStack(command: Command): Command {
  return command
    .argument("[stack]", targetNames, "dev")
    .addOption(
      new Option("--engine <engine>", "engine that runs the program")
        .choices(["auto", "pulumi", "in-process"])
        .default("auto")
        .env("AI_HOW_ENGINE"),
    );
}

/**
 * Finds the stack's project and engine.
 * @throws UserError with exit code 2 for an unknown stack
 */
export async function openStack(
  stack: string,
  options: StackOptions,
): Promise<{ reference: StackReference; engine: Engine; because: string }> {
  const reference = { root: findRoot(process.cwd()), stack };
  await loadStackConfig(reference.root, stack);
  return { reference, ...(await selectEngine(reference, options.engine)) };
}
