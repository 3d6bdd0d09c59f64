import type { Command } from "commander";
import type { MachineOutput } from "../stacks/outputs.ts";
import type { StackResource } from "../engine/engine.ts";
import { connect, ssh, type Connection } from "./connection.ts";
import { powerSwitchOf } from "./power-switch.ts";
import { openStack, withStack, type StackOptions } from "./stack.ts";
import { columns } from "./table.ts";

interface MachineStatus {
  readonly name: string;
  readonly kind: string;
  readonly address: string;
  readonly answers: boolean;
  /** True where its host says that it does not run. */
  readonly off: boolean;
  /** SLURM's word for the node, `idle`; undefined where it is no compute node or nobody could be asked. */
  readonly slurm?: string;
  /** `2 x 1g.10gb (pretended)`; undefined where it has no GPU. */
  readonly gpus?: string;
}

const PROBE_MILLISECONDS = 15_000;

/**
 * `status`: which machines of a stack answer now, and what SLURM says of them. Exit 1 when one does not answer, unless it is off and
 * `up` leaves it so.
 */
export function addStatus(program: Command): void {
  withStack(program.command("status"))
    .description("ask every machine of the stack whether it is there")
    .option("--json", "as JSON")
    .action(async (stack: string, options: StackOptions & { json?: boolean }) => {
      const { reference, engine } = await openStack(stack, options);
      const connection = await connect(engine, stack);
      const machines = await machineStatus(reference.root, connection, await engine.resources());
      if (options.json === true)
        process.stdout.write(`${JSON.stringify({ stack, machines }, undefined, 2)}\n`);
      else process.stdout.write(table(machines));
      const mayBeOff = new Set(
        connection.outputs.machines.flatMap(({ shortName, autoStart }) =>
          autoStart === false ? [shortName] : [],
        ),
      );
      const isFine = ({ name, answers, off }: MachineStatus): boolean =>
        answers || (off && mayBeOff.has(name));
      process.exitCode = machines.every(isFine) ? 0 : 1;
    });
}

async function machineStatus(
  root: string,
  connection: Connection,
  resources: readonly StackResource[],
): Promise<MachineStatus[]> {
  // ssh's proxy outlives it while it waits for a machine that is off, and would keep standard error open.
  const settings = { reject: false, stdin: "ignore", stderr: "ignore", timeout: PROBE_MILLISECONDS } as const;
  const { machines, slurm } = connection.outputs;
  const states = new Map<string, string>();
  const answers = await Promise.all(
    machines.map(async (machine) => {
      const asked = machine.shortName === slurm?.controller;
      const command = asked ? ["sinfo", "--noheader", "--Node", "--format=%N:%T"] : ["true"];
      const result = await ssh(root, connection, machine, command, settings);
      for (const line of asked ? result.stdout.split("\n") : []) {
        const [node, state] = line.trim().split(":");
        if (node !== undefined && state !== undefined) states.set(node, state);
      }
      // 255 is ssh's own failure; anything else that it did not have to be ended for came from the machine.
      return !result.timedOut && result.exitCode !== undefined && result.exitCode !== 255;
    }),
  );
  const off = await Promise.all(
    machines.map(async (machine, index) => {
      if (answers[index] === true || machine.kind === "host") return false;
      return !(await powerSwitchOf(resources, machine).isOn());
    }),
  );
  return machines.map(({ name, shortName, kind, address, gpus }, index) => {
    const state = states.get(name);
    return {
      name: shortName,
      kind,
      address,
      answers: answers[index] ?? false,
      off: off[index] ?? false,
      ...(state !== undefined && { slurm: state }),
      ...(gpus !== undefined && { gpus: gpuText(gpus) }),
    };
  });
}

function gpuText(gpus: NonNullable<MachineOutput["gpus"]>): string {
  return gpus
    .map(({ type, count, pretended }) => `${count} x ${type ?? "GPU"}${pretended ? " (pretended)" : ""}`)
    .join(", ");
}

function table(machines: readonly MachineStatus[]): string {
  return columns(
    machines.map(({ name, kind, address, answers, off, slurm, gpus }) => [
      name,
      kind,
      address,
      answers ? "answers" : off ? "off" : "does not answer",
      slurm ?? "",
      gpus ?? "",
    ]),
  );
}
