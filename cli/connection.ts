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

/** Outputs of a stack that is up, and the SSH key of its machines. */
export interface Connection {
  readonly outputs: StackOutputs;
  /** Undefined if all machines are existing hosts. */
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

/** Finds a machine by its full name or by its name in the cluster. */
export function findMachine({ outputs }: Connection, name: string): MachineOutput {
  const machine = outputs.machines.find((candidate) => [candidate.name, candidate.shortName].includes(name));
  if (machine !== undefined) return machine;
  const known = outputs.machines.map(({ shortName }) => shortName).join(", ");
  throw new UserError(`${name}: the stack has no such machine; it has ${known}`, { exitCode: 2 });
}

/** Runs a command on a machine over SSH. Accepts only the pinned host key; the private key stays in memory. */
export function ssh<Settings extends Options>(
  root: string,
  { privateKey }: Pick<Connection, "privateKey">,
  { kind, address, port, user, hostKey, proxyCommand, privateKeyPath }: MachineOutput,
  command: readonly string[],
  options: Settings,
  waitSeconds = 0,
) {
  // Existing hosts accept the user's own key, not the stack's.
  const key = kind === "host" ? { privateKeyPath } : { privateKey };
  const machine = { address, port, user, hostKey, proxyCommand, ...key, waitSeconds };
  return execa(join(root, "ansible", "ssh"), [...command], {
    ...options,
    env: { AI_HOW_MACHINE: JSON.stringify(machine) },
  });
}
