import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Context } from "../framework/resource.ts";
import { resourceType } from "../framework/resource.ts";
import { readRecord, removeFiles, writeRecord, writeSeed } from "./container/files.ts";
import { checkContainer, type ContainerInputs, containerSchemas } from "./container/inputs.ts";
import { end, isRunning, start } from "./container/machine.ts";

/** A container machine that exists. */
export interface ContainerOutputs {
  /** Its address without prefix length. */
  address: string;
  /** Another value whenever the machine starts from the image again. */
  generation: string;
  /** Its console's log file. */
  consoleLog: string;
  running: boolean;
}

type ContainerState = ContainerInputs & ContainerOutputs;
type ContainerContext = Context<unknown>;

/**
 * `host:index:Container`: a full system from the golden image in a systemd-nspawn container, with its own init, network and SSH.
 * It answers in two seconds and needs little memory, but has the host's kernel. It runs in the sandbox and ends with it.
 */
export const container = resourceType<unknown, ContainerInputs, ContainerState>({
  token: "host:index:Container",
  inputs: containerSchemas,
  changes: {
    hostname: "restart",
    mac: "restart",
    address: "restart",
    gateway: "restart",
    dns: "restart",
    authorizedKey: "restart",
    hostKey: "restart",
    hostPublicKey: "restart",
    cpus: "restart",
    memoryMib: "restart",
    binds: "restart",
    running: "update",
  },
  deleteBeforeReplace: true,
  secrets: ["hostKey"],
  check: checkContainer,
  foresee: (inputs) => ({ address: bare(inputs.address), consoleLog: consoleLog(directoryOf(inputs)) }),
  identify: directoryOf,

  async create(inputs, { log, signal }: ContainerContext) {
    const directory = directoryOf(inputs);
    const found = await readRecord(directory);
    // A repeated creation continues the interrupted one, unless the image is another.
    if (found !== undefined && found.rootDirectory !== inputs.rootDirectory) await remove(directory);
    const generation = found?.rootDirectory === inputs.rootDirectory ? found.generation : randomUUID();
    await end(directory, "at once");
    await writeRecord(directory, { generation, rootDirectory: inputs.rootDirectory });
    await settle(directory, inputs, log, signal);
    return { id: directory, inputs, state: stateOf(inputs, generation) };
  },

  async read(id, last) {
    const record = await readRecord(id);
    // Only the state knows what the machine was made from, so it cannot be imported.
    if (record === undefined || last === undefined) return undefined;
    const inputs = { ...last.inputs, running: await isRunning(id) };
    return { id, inputs, state: stateOf(inputs, record.generation) };
  },

  async update(id, was, inputs, { log, signal }: ContainerContext) {
    await end(id, "orderly");
    await settle(id, inputs, log, signal);
    return { id, inputs, state: stateOf(inputs, was.state.generation) };
  },

  async delete(id) {
    await remove(id);
  },
});

async function settle(
  directory: string,
  inputs: ContainerInputs,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await writeSeed(directory, inputs);
  if (!inputs.running) return;
  log(`booting ${inputs.hostname}`);
  await start(directory, inputs, consoleLog(directory), signal);
}

async function remove(directory: string): Promise<void> {
  await end(directory, "at once");
  await removeFiles(directory);
}

function directoryOf(inputs: Pick<ContainerInputs, "stateDirectory" | "name">): string {
  return join(inputs.stateDirectory, inputs.name);
}

function consoleLog(directory: string): string {
  return join(directory, "console.log");
}

function stateOf(inputs: ContainerInputs, generation: string): ContainerState {
  return {
    ...inputs,
    address: bare(inputs.address),
    generation,
    consoleLog: consoleLog(directoryOf(inputs)),
  };
}

function bare(address: string): string {
  return address.split("/")[0] ?? address;
}
