import { rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { Context, InputsOf } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { endProcessesIn, namespacePath, removeNamespace } from "./network-namespace.ts";
import { daemonRuns, recoverNamespace, startDaemon } from "./sandbox-daemon.ts";
import { sandboxPlaces } from "./sandbox-places.ts";
import { closeWayOut, hasWayOut, openWayOut } from "./way-out.ts";
import { claim, isOurs, readOwner, renew } from "./sandbox-owner.ts";

export const sandboxSchemas = {
  /** Its name: `/run/netns/ai-how-<name>`, `/run/ai-how/<name>`, `/var/lib/ai-how/<name>`. */
  name: z
    .string()
    .regex(
      /^[a-z][a-z0-9-]{0,30}$/,
      "must be lower-case letters, digits and dashes, 31 at most, a letter first",
    ),
  /** Whether its libvirtd runs; false ends every process in it and keeps its disks. Default true. */
  running: z.boolean().default(true),
  /** Whether its machines reach networks outside; nothing outside reaches in either way. Default true. */
  internet: z.boolean().default(true),
};

/** A sandbox that exists, and how to reach into it. */
export interface SandboxOutputs {
  running: boolean;
  /** libvirt connection URI of its libvirtd. */
  uri: string;
  /** Path of the network namespace, `/run/netns/ai-how-<name>`. */
  networkNamespace: string;
  /** An OpenSSH `ProxyCommand` that reaches into it. */
  proxyCommand: string;
  /** Folder of its storage pool. */
  poolDirectory: string;
  /** Folder of its machines' console logs. */
  consoleDirectory: string;
  /** Folder in which its container machines keep their changes to the image. */
  containerDirectory: string;
  /** A folder that its container machines may share. */
  sharedDirectory: string;
}

type SandboxInputs = InputsOf<typeof sandboxSchemas>;
type SandboxState = SandboxInputs & SandboxOutputs;
type SandboxContext = Context<unknown>;

/**
 * `host:index:Sandbox`: a network namespace with a libvirtd of its own. libvirt writes only to the sandbox's folders, through
 * private mounts, so the host's libvirt, firewall and routes do not change.
 */
export const sandbox = resourceType<unknown, SandboxInputs, SandboxState>({
  token: "host:index:Sandbox",
  inputs: sandboxSchemas,
  changes: { name: "replace", running: "update", internet: "update" },
  deleteBeforeReplace: true,
  foresee: stateOf,
  identify: (inputs) => inputs.name,

  async create(inputs: SandboxInputs, { urn, log }: SandboxContext) {
    requireRoot();
    const places = sandboxPlaces(inputs.name);
    const wasFree = await claim(inputs.name, places.state, urn);
    // Processes in a namespace without an owner have lost their files.
    if (wasFree) await endProcessesIn(places.namespace);
    log(`starting libvirtd in ${places.namespace}`);
    await settle(inputs);
    return { id: inputs.name, inputs, state: stateOf(inputs) };
  },

  async read(id: string, last: { inputs: SandboxInputs } | undefined) {
    const places = sandboxPlaces(id);
    const owner = await readOwner(places.state);
    if (owner === undefined || !isOurs(owner)) return undefined;
    const running = await daemonRuns(places);
    const inputs = { name: id, ...last?.inputs, running, internet: await hasWayOut(places) };
    return { id, inputs, state: stateOf(inputs) };
  },

  async update(id: string, _was: unknown, inputs: SandboxInputs, { urn }: SandboxContext) {
    requireRoot();
    await renew(sandboxPlaces(id).state, urn);
    await settle(inputs);
    return { id, inputs, state: stateOf(inputs) };
  },

  async delete(id: string) {
    requireRoot();
    const owner = await readOwner(sandboxPlaces(id).state);
    if (owner !== undefined && !isOurs(owner)) return;
    await removeSandbox(id);
  },
});

/** Ends all processes of a sandbox and removes it, even if it belongs to another project. */
export async function removeSandbox(name: string): Promise<void> {
  const places = sandboxPlaces(name);
  await closeWayOut(places);
  await recoverNamespace(places);
  await endProcessesIn(places.namespace);
  await removeNamespace(places.namespace);
  await rm(places.runtime, { recursive: true, force: true });
  await rm(places.state, { recursive: true, force: true });
  for (const parent of [dirname(places.runtime), dirname(places.state)]) {
    await rmdir(parent).catch(() => undefined); // stays while other sandboxes are in it
  }
}

async function settle(inputs: SandboxInputs): Promise<void> {
  const places = sandboxPlaces(inputs.name);
  if (inputs.running) {
    await startDaemon(places);
    await (inputs.internet ? openWayOut(places) : closeWayOut(places));
  } else {
    await closeWayOut(places);
    await recoverNamespace(places);
    await endProcessesIn(places.namespace);
  }
}

function stateOf(inputs: SandboxInputs): SandboxState {
  const places = sandboxPlaces(inputs.name);
  const networkNamespace = namespacePath(places.namespace);
  return {
    ...inputs,
    uri: places.uri,
    networkNamespace,
    proxyCommand: `nsenter --net=${networkNamespace} nc %h %p`,
    poolDirectory: places.pool,
    consoleDirectory: places.console,
    containerDirectory: places.containers,
    sharedDirectory: places.shared,
  };
}

function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new ProviderError(
      "a sandbox needs root, for its network namespace and libvirtd: run this with sudo",
    );
  }
}
