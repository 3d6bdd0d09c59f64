import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { UserError } from "../config/errors.ts";
import type { Engine, StackReference } from "../engine/engine.ts";
import { connect, findMachine, ssh, type Connection } from "./connection.ts";
import { partsOf, powerSwitchOf, type PowerSwitch } from "./power-switch.ts";
import { executeRun } from "./runs.ts";
import { openStack, withStack, type StackOptions } from "./stack.ts";
import type { MachineOutput } from "../stacks/outputs.ts";

const SHUTDOWN_SECONDS = 60;
const START_SECONDS = 300;
const ANSWER_MILLISECONDS = 30_000;

interface MachineOptions extends StackOptions {
  readonly machine?: string;
}

interface StopOptions extends MachineOptions {
  readonly force?: boolean;
}

/** `stop`, `start` and `restart`: shut machines down in order, keeping their disks, and bring them back. */
export function addMachines(program: Command): void {
  const add = (name: string, description: string): Command =>
    withStack(program.command(name)).description(description).option("--machine <name>", "only this one");
  const force = ["--force", "power them off at once, as one does with what hangs"] as const;
  add("stop", "shut down the stack's machines; their disks stay, and `start` brings them back")
    .option(...force)
    .action(stop);
  add("start", "start what was stopped: the same as `up`, and with --machine for one alone").action(start);
  add("restart", "`stop`, then `start`")
    .option(...force)
    .action(async (stack: string, options: StopOptions) => {
      await stop(stack, options);
      await start(stack, options);
    });
}

async function stop(stack: string, options: StopOptions): Promise<void> {
  const { reference, engine } = await openStack(stack, options);
  const connection = await connect(engine, stack);
  const chosen =
    options.machine === undefined ? connection.outputs.machines : [ownMachine(connection, options.machine)];
  const resources = await engine.resources();
  try {
    // The controller, first in the list, goes last: nodes sign off from it.
    for (const machine of chosen.filter(({ kind }) => kind !== "host").reverse()) {
      const power = powerSwitchOf(resources, machine);
      if (options.force === true) await power.off();
      else await shutDown(reference, connection, machine, power);
      process.stdout.write(`${machine.shortName} is off\n`);
    }
  } finally {
    // The state has to know it, or `start` would find nothing to do.
    await recordPower(engine);
  }
}

async function start(stack: string, options: MachineOptions): Promise<void> {
  const run = { ...options, parallel: "16" };
  if (options.machine === undefined) {
    await executeRun("up", stack, run);
    return;
  }
  const { reference, engine } = await openStack(stack, options);
  const connection = await connect(engine, stack);
  const machine = ownMachine(connection, options.machine);
  if (machine.autoStart === false) {
    // `up` leaves it as people leave it.
    await powerSwitchOf(await engine.resources(), machine).on();
    await answering(reference, connection, machine);
    await recordPower(engine);
    process.stdout.write(`${machine.shortName} is on\n`);
    return;
  }
  const parts = partsOf(await engine.resources(), machine).filter(({ id }) => id !== undefined);
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

/** Makes the state say which machines are on. */
async function recordPower(engine: Engine): Promise<void> {
  await engine.refresh({ emit: () => undefined, signal: new AbortController().signal, parallel: 16 });
}

/** Waits until a machine that was started answers. */
async function answering(
  { root }: StackReference,
  connection: Connection,
  machine: MachineOutput,
): Promise<void> {
  const quiet = { reject: false, stdio: "ignore" } as const;
  if (!(await ssh(root, connection, machine, ["true"], quiet, START_SECONDS)).failed) return;
  throw new UserError(
    `${machine.shortName} was started and does not answer after ${START_SECONDS} s; see its console`,
  );
}

async function shutDown(
  { root, stack }: StackReference,
  connection: Connection,
  machine: MachineOutput,
  power: PowerSwitch,
): Promise<void> {
  if (!(await power.isOn())) return;
  const name = machine.shortName;
  const remedy = `see its console, or power it off: ai-how stop ${stack} --machine ${name} --force`;
  const quiet = { reject: false, stdio: "ignore", timeout: ANSWER_MILLISECONDS } as const;
  if ((await ssh(root, connection, machine, ["true"], quiet)).failed)
    throw new UserError(`${name} runs and does not answer; ${remedy}`);
  const poweroff = ssh(root, connection, machine, ["sudo", "systemctl", "poweroff"], quiet);
  for (const deadline = Date.now() + SHUTDOWN_SECONDS * 1000; Date.now() < deadline;) {
    await sleep(300);
    // Its SSH server says nothing about that: it ends long before the machine does.
    if (await power.isOn()) continue;
    // The machine may have gone away without a word to its connections.
    poweroff.kill();
    await poweroff;
    return;
  }
  throw new UserError(`${name} is not off after ${SHUTDOWN_SECONDS} s; ${remedy}`);
}
