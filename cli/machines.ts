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

/** `stop`, `start` and `restart`: shut the machines down in order and start them again; disks are kept. */
export function addMachines(program: Command): void {
  const add = (name: string, description: string): Command =>
    withStack(program.command(name)).description(description).option("--machine <name>", "only this machine");
  const force = ["--force", "power off without a shutdown, for a machine that hangs"] as const;
  add("stop", "shut down the stack's machines and keep their disks")
    .option(...force)
    .action(stop);
  add("start", "start stopped machines: the same as `up`, but --machine starts one alone").action(start);
  add("restart", "stop, then start")
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
    // The controller, first in the list, stops last, because the nodes sign off from it.
    for (const machine of chosen.filter(({ kind }) => kind !== "host").reverse()) {
      const power = powerSwitchOf(resources, machine);
      if (options.force === true) await power.off();
      else await shutDown(reference, connection, machine, power);
      process.stdout.write(`${machine.shortName} is off\n`);
    }
  } finally {
    // Without this, the state says that the machines run, and `start` does nothing.
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
    // `up` does not start a machine with `auto_start: false`.
    await powerSwitchOf(await engine.resources(), machine).on();
    await waitForSsh(reference, connection, machine);
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

/** Finds a machine that the stack made; an existing host is an error. */
function ownMachine(connection: Connection, name: string): MachineOutput {
  const machine = findMachine(connection, name);
  if (machine.kind === "host")
    throw new UserError(`${name} is an existing host; ai-how does not stop or start existing hosts`);
  return machine;
}

/** Refreshes the state, so that it says which machines run. */
async function recordPower(engine: Engine): Promise<void> {
  await engine.refresh({ emit: () => undefined, signal: new AbortController().signal, parallel: 16 });
}

/** Waits until a started machine answers over SSH. */
async function waitForSsh(
  { root }: StackReference,
  connection: Connection,
  machine: MachineOutput,
): Promise<void> {
  const quiet = { reject: false, stdio: "ignore" } as const;
  if (!(await ssh(root, connection, machine, ["true"], quiet, START_SECONDS)).failed) return;
  throw new UserError(
    `${machine.shortName} was started, but does not answer after ${START_SECONDS} s; see its console`,
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
    throw new UserError(`${name} runs, but does not answer; ${remedy}`);
  const poweroff = ssh(root, connection, machine, ["sudo", "systemctl", "poweroff"], quiet);
  for (const deadline = Date.now() + SHUTDOWN_SECONDS * 1000; Date.now() < deadline;) {
    await sleep(300);
    // The end of the SSH connection proves nothing: the SSH server ends long before the machine.
    if (await power.isOn()) continue;
    // The machine may be off without having closed its connections.
    poweroff.kill();
    await poweroff;
    return;
  }
  throw new UserError(`${name} still runs after ${SHUTDOWN_SECONDS} s; ${remedy}`);
}
