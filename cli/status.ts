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
  /** True if the host says that the machine does not run. */
  readonly off: boolean;
  /** SLURM's state of the node, `idle`; undefined if it is no compute node or the controller does not answer. */
  readonly slurm?: string;
  /** `2 x 1g.10gb (pretended)`; undefined: no GPU. */
  readonly gpus?: string;
}

const PROBE_MILLISECONDS = 15_000;

/**
 * `status`: says which machines of a stack answer, and in which state SLURM has them. Exits with 1 if a machine does not answer,
 * unless it is off and has `auto_start: false`.
 */
export function addStatus(program: Command): void {
  withStack(program.command("status"))
    .description("say which machines of the stack answer")
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
  // ssh's proxy goes on waiting for a machine that is off after ssh has ended; it would keep standard error open.
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
      // ssh exits with 255 if it cannot connect; any other exit code came from the machine.
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
