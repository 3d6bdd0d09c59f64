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

interface MachineOptions extends StackOptions {
  readonly machine?: string;
}

/** `stop`, `start` and `restart`: shut machines down in order, keeping their disks, and bring them back. */
export function addMachines(program: Command): void {
  const add = (
    name: string,
    description: string,
    action: (stack: string, options: MachineOptions) => Promise<void>,
  ): void => {
    withStack(program.command(name))
      .description(description)
      .option("--machine <name>", "only this one")
      .action(action);
  };
  add("stop", "shut down the stack's machines; their disks stay, and `start` brings them back", stop);
  add("start", "start what was stopped: the same as `up`, and with --machine for one alone", start);
  add("restart", "`stop`, then `start`", async (stack, options) => {
    await stop(stack, options);
    await start(stack, options);
  });
}

async function stop(stack: string, options: MachineOptions): Promise<void> {
  const { reference, engine } = await openStack(stack, options);
  const connection = await connect(engine, stack);
  const chosen =
    options.machine === undefined ? connection.outputs.machines : [ownMachine(connection, options.machine)];
  // The controller, first in the list, goes last: nodes sign off from it.
  for (const machine of chosen.filter(({ kind }) => kind !== "host").reverse()) {
    await shutDown(reference, engine, connection, machine);
  }
}

async function start(stack: string, options: MachineOptions): Promise<void> {
  const run = { ...options, parallel: "16" };
  if (options.machine === undefined) {
    await executeRun("up", stack, run);
    return;
  }
  const { engine } = await openStack(stack, options);
  const { name } = ownMachine(await connect(engine, stack), options.machine);
  const parts = (await engine.resources()).filter(
    ({ parent, id }) => id !== undefined && parent !== undefined && nameOf(parent) === name,
  );
  await executeRun(
    "up",
    stack,
    run,
    parts.map(({ urn }) => urn),
  );
}

/** A machine that the stack made. */
function ownMachine(connection: Connection, name: string): MachineOutput {
  const machine = findMachine(connection, name);
  if (machine.kind === "host")
    throw new UserError(`${name} is a host of its own; ai-how neither stops nor starts it`);
  return machine;
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
