import type { Command } from "commander";
import { connect, findMachine, ssh } from "./connection.ts";
import { openStack, type StackOptions } from "./stack.ts";

/** `ssh MACHINE [-- COMMAND]`: runs a shell, or one command, on a machine of a stack; the exit code is the command's. */
export function addSsh(program: Command): void {
  program
    .command("ssh")
    .description("log in to a machine, or run one command on it: ai-how ssh controller -- sinfo")
    .argument("<machine>", "its name: controller, compute-01")
    .argument("[command...]", "the command, after --. Default: a shell")
    .option("--stack <stack>", "the stack", "dev")
    .option("--engine <engine>", "the engine that made the stack", "auto")
    .action(async (name: string, command: string[], options: StackOptions & { stack: string }) => {
      const { reference, engine } = await openStack(options.stack, options);
      const connection = await connect(engine, options.stack);
      const machine = findMachine(connection, name);
      const result = await ssh(reference.root, connection, machine, command, {
        stdio: "inherit",
        reject: false,
      });
      process.exitCode = result.exitCode ?? 1;
    });
}
