import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import type { Context, Problem } from "../framework/resource.ts";
import { resourceType } from "../framework/resource.ts";
import { readRecord, removeFiles, writeRecord, writeSeed } from "./container/files.ts";
import { end, isRunning, start } from "./container/machine.ts";
import type { HostConfig } from "./provider.ts";

/** A directory of the host that the machine sees. */
export interface ContainerBind {
  /** Absolute path on the host; never removed. */
  source: string;
  /** Absolute path in the machine. */
  target: string;
  /** Whether the machine may only read. */
  readOnly: boolean;
  /** Whether a missing source is an error; else it is made, for everybody to write. */
  existing: boolean;
}

/** What a container machine is made from. */
export interface ContainerInputs {
  /** Name of its directory under `stateDirectory`, and of its interface `vb-<name>` on the bridge. */
  name: string;
  /** Its own name. */
  hostname: string;
  /** The image's files; never written to. */
  rootDirectory: string;
  /** Path of the network namespace with the bridge, a sandbox's `networkNamespace`. */
  networkNamespace: string;
  /** The bridge that it is joined to. */
  bridge: string;
  /** Its MAC address. */
  mac: string;
  /** Its address with prefix length, `192.168.190.10/24`. */
  address: string;
  /** Its default route. */
  gateway?: string | undefined;
  /** Name servers. */
  dns: string[];
  /** The line of `authorized_keys` that opens it. */
  authorizedKey: string;
  /** The private SSH host key, ed25519, in OpenSSH's format; secret. */
  hostKey: string;
  /** The public SSH host key. */
  hostPublicKey: string;
  /** The account that the key opens; the image must have it. */
  adminUser: string;
  /** CPUs' worth of time; unlimited by default. */
  cpus?: number | undefined;
  /** Memory in MiB; unlimited by default. */
  memoryMib?: number | undefined;
  /** Directories of the host. */
  binds: ContainerBind[];
  /** Whether it runs. */
  running: boolean;
  /** Where machines keep what differs from their image, one directory each. */
  stateDirectory: string;
}

/** A container machine that exists. */
export interface ContainerState extends Omit<ContainerInputs, "address"> {
  /** Its address without prefix length. */
  address: string;
  /** Changes whenever the machine starts from the image again. */
  generation: string;
  /** Where its console is logged. */
  consoleLog: string;
}

type ContainerContext = Context<HostConfig>;

const path = z.string().regex(/^\/[^\n:,]*$/, "must be an absolute path without colons and commas");

/**
 * A full system from the golden image in a systemd-nspawn container: its own init, network, SSH. It answers in two
 * seconds and costs little memory, but has the host's kernel. It lives in the sandbox and ends with it.
 */
export const container = resourceType<HostConfig, ContainerInputs, ContainerState>({
  token: "host:index:Container",
  inputs: {
    // An interface name has 15 characters at most, and "vb-" is three of them.
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and dashes, a letter first"),
    hostname: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a host name"),
    rootDirectory: path,
    networkNamespace: path,
    bridge: z.string().regex(/^[^/\s]{1,15}$/, "must be the name of an interface"),
    mac: z
      .string()
      .regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, "must be a unicast MAC address in lower case"),
    address: z.union([z.cidrv4(), z.cidrv6()], "must be an address with prefix length"),
    gateway: z.union([z.ipv4(), z.ipv6()]).optional(),
    dns: z.array(z.union([z.ipv4(), z.ipv6()])).default([]),
    authorizedKey: z.string().regex(/^\S+ \S+[^\n]*\n?$/, "must be one line of authorized_keys"),
    hostKey: z.string().min(1),
    hostPublicKey: z.string().min(1),
    adminUser: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be the name of an account"),
    cpus: z.number().positive().optional(),
    memoryMib: z.int().min(64).optional(),
    binds: z
      .array(
        z.strictObject({
          source: path,
          target: path,
          readOnly: z.boolean().default(false),
          existing: z.boolean().default(false),
        }),
      )
      .default([]),
    running: z.boolean().default(true),
    stateDirectory: path,
  },
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
  check(inputs): Problem[] {
    const targets = inputs.binds.map(({ target }) => target);
    return targets.flatMap((target, i) =>
      targets.indexOf(target) < i
        ? [{ property: `binds[${i}].target`, reason: `${target} is taken already` }]
        : [],
    );
  },
  foresee: (inputs) => ({ address: bare(inputs.address), consoleLog: consoleLog(directoryOf(inputs)) }),
  identify: directoryOf,

  async create(inputs, { log, signal }: ContainerContext) {
    const directory = directoryOf(inputs);
    const found = await readRecord(directory);
    // A creation that was killed goes on where it was, unless it was about another image.
    if (found !== undefined && found.rootDirectory !== inputs.rootDirectory) await remove(directory);
    const generation = found?.rootDirectory === inputs.rootDirectory ? found.generation : randomUUID();
    await end(directory, "at once");
    await writeRecord(directory, { generation, rootDirectory: inputs.rootDirectory });
    await settle(directory, inputs, log, signal);
    return { id: directory, inputs, state: stateOf(inputs, generation) };
  },

  async read(id, last) {
    const record = await readRecord(id);
    // Nothing else could say what the machine was made from: there is no import.
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
