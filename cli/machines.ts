import type { Command } from "commander";
import { UserError } from "../config/errors.ts";
import type { Engine, StackReference } from "../engine/engine.ts";
import { nameOf } from "../engine/in-process/urn.ts";
import { connect, findMachine, ssh, type Connection } from "./connection.ts";
import { executeRun } from "./runs.ts";
import { openStack, withStack, type StackOptions } from "./stack.ts";
import type { MachineOutput } from "../stacks/outputs.ts";

const SHUTDOWN_SECONDS = 60;
const ANSWER_MILLISECONDS = 30_000;

/** `stop` and `start`: shut machines down in order, keeping their disks, and bring them back. */
export function addMachines(program: Command): void {
  withStack(program.command("stop"))
    .description("shut down the stack's machines; their disks stay, and `start` brings them back")
    .option("--machine <name>", "only this one")
    .action(async (stack: string, options: StackOptions & { machine?: string }) => {
      const { reference, engine } = await openStack(stack, options);
      const connection = await connect(engine, stack);
      const chosen =
        options.machine === undefined
          ? connection.outputs.machines
          : [findMachine(connection, options.machine)];
      const hosts = chosen.filter(({ kind }) => kind === "host");
      if (hosts.length > 0 && options.machine !== undefined) {
        throw new UserError(`${options.machine} is a host of its own; ai-how does not shut it down`);
      }
      // The controller, first in the list, goes last: nodes sign off from it.
      for (const machine of chosen.filter(({ kind }) => kind !== "host").reverse()) {
        await shutDown(reference, engine, connection, machine);
      }
    });
  withStack(program.command("start"))
    .description("start what was stopped: the same as `up`")
    .action((stack: string, options: StackOptions) =>
      executeRun("up", stack, { ...options, parallel: "16" }),
    );
}

async function shutDown(
  { root }: StackReference,
  engine: Engine,
  connection: Connection,
  machine: MachineOutput,
): Promise<void> {
  const quiet = { reject: false, stdio: "ignore", timeout: ANSWER_MILLISECONDS } as const;
  if ((await ssh(root, connection, machine, ["true"], quiet)).failed) {
    process.stdout.write(`${machine.shortName} does not answer\n`);
    return;
  }
  const poweroff = ssh(root, connection, machine, ["sudo", "systemctl", "poweroff"], quiet);
  for (const deadline = Date.now() + SHUTDOWN_SECONDS * 1000; Date.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    if (!(await isFoundOff(engine, machine))) continue;
    // The machine may have gone away without a word to its connections.
    poweroff.kill();
    await poweroff;
    process.stdout.write(`${machine.shortName} is off\n`);
    return;
  }
  throw new UserError(`${machine.shortName} is not off after ${SHUTDOWN_SECONDS} s; see its console`);
}

/**
 * Whether a refresh sees that the machine has gone off. Its SSH server says nothing about that: it ends long before the
 * machine does, and a `start` in between would find it running.
 */
async function isFoundOff(engine: Engine, { name }: MachineOutput): Promise<boolean> {
  let off = false;
  await engine.refresh({
    emit: (event) => {
      if (event.type !== "planned" || nameOf(event.urn).replace(/-(container|domain)$/, "") !== name) return;
      off ||= event.operation === "forget" || event.diffs.some(({ path }) => path === "running");
    },
    signal: new AbortController().signal,
    parallel: 16,
  });
  return off;
}
