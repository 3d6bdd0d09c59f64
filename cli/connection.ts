import { join } from "node:path";
import { execa, type Options } from "execa";
import { UserError } from "../config/errors.ts";
import { outputsOf, type Engine } from "../engine/engine.ts";
import {
  ADMIN_KEY_OUTPUT,
  stackOutputsSchema,
  type MachineOutput,
  type StackOutputs,
} from "../stacks/outputs.ts";

/** A stack that is up: its outputs, and the key that opens its machines. */
export interface Connection {
  readonly outputs: StackOutputs;
  /** Undefined where all machines are the user's own hosts. */
  readonly privateKey: string | undefined;
}

export async function connect(engine: Engine, stack: string): Promise<Connection> {
  const all = await outputsOf(engine);
  if (Object.keys(all).length === 0)
    throw new UserError(`${stack}: not up; run \`ai-how up ${stack}\` first`);
  const plain = Object.fromEntries(Object.entries(all).map(([key, { value }]) => [key, value]));
  const key = plain[ADMIN_KEY_OUTPUT];
  return { outputs: stackOutputsSchema.parse(plain), privateKey: typeof key === "string" ? key : undefined };
}

/** A machine by its name or its name inside the cluster. */
export function findMachine({ outputs }: Connection, name: string): MachineOutput {
  const machine = outputs.machines.find((candidate) => [candidate.name, candidate.shortName].includes(name));
  if (machine !== undefined) return machine;
  const known = outputs.machines.map(({ shortName }) => shortName).join(", ");
  throw new UserError(`${name}: there is no such machine; there are ${known}`, { exitCode: 2 });
}

/** Runs ssh to a machine, with its pinned host key; the private key travels in memory only. */
export function ssh<Settings extends Options>(
  root: string,
  { privateKey }: Pick<Connection, "privateKey">,
  { kind, address, port, user, hostKey, proxyCommand, privateKeyPath }: MachineOutput,
  command: readonly string[],
  options: Settings,
  waitSeconds = 0,
) {
  // The stack's key opens what the stack made; a host of the user's own knows the user's.
  const key = kind === "host" ? { privateKeyPath } : { privateKey };
  const machine = { address, port, user, hostKey, proxyCommand, ...key, waitSeconds };
  return execa(join(root, "ansible", "ssh"), [...command], {
    ...options,
    env: { AI_HOW_MACHINE: JSON.stringify(machine) },
  });
}
