import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";
import { findRoot, knownStacks } from "../engine/project.ts";

/** `completion SHELL`: prints the script by which a shell completes commands, options and names of stacks. */
export function addCompletion(program: Command): void {
  const completion = tab(program, { completionCommandName: "completion" });
  for (const command of completion.commands.values()) {
    const stack = command.arguments.get("stack") ?? command.options.get("stack");
    if (stack === undefined) continue;
    stack.handler = (complete: (value: string, description: string) => void) => {
      for (const name of knownStacks(findRoot(process.cwd()))) complete(name, "stack");
    };
  }
}
