import { z } from "zod";
import { UserError } from "../config/errors.ts";
import { nameOf } from "../wire/urn.ts";
import type { StackResource } from "../engine/engine.ts";
import { end, isRunning } from "../providers/host/container/machine.ts";
import { isUp, powerOff } from "../providers/libvirt/domain-power.ts";
import { Libvirt, whileReachable } from "../providers/libvirt/virsh.ts";
import type { MachineOutput } from "../stacks/outputs.ts";

/** Power of a machine, controlled from its host: works even if the machine does not answer. */
export interface PowerSwitch {
  isOn(): Promise<boolean>;
  /** Starts the machine and does not wait for its operating system. */
  on(): Promise<void>;
  /** Powers the machine off without a shutdown; its disks stay. */
  off(): Promise<void>;
}

/** The child resources of a machine. */
export function partsOf(resources: readonly StackResource[], { name }: MachineOutput): StackResource[] {
  return resources.filter(({ parent }) => parent !== undefined && nameOf(parent) === name);
}

/** URNs of the disks of machines, which are given by their names in the cluster or by their full names. */
export function disksOf(resources: readonly StackResource[], machines: readonly string[]): string[] {
  const disks = resources.filter(
    ({ type, parent }) =>
      type === "libvirt:index:Volume" && parent?.split("::")[2]?.endsWith("ai-how:machines:VirtualMachine"),
  );
  return machines.map((machine) => {
    const found = disks.filter(({ parent = "" }) => {
      const name = nameOf(parent);
      return name === machine || name.endsWith(`-${machine}`);
    });
    const [disk, other] = found;
    if (disk !== undefined && other === undefined) return disk.urn;
    const names = disks.map(({ parent = "" }) => nameOf(parent)).join(", ");
    throw new UserError(
      disk === undefined
        ? `--replace ${machine}: the stack has no such virtual machine; it has ${names === "" ? "none" : names}`
        : `--replace ${machine}: the name fits ${found.map(({ parent = "" }) => nameOf(parent)).join(" and ")}; give the full name`,
      { exitCode: 2 },
    );
  });
}

/** The power switch of a machine that the stack made. */
export function powerSwitchOf(resources: readonly StackResource[], machine: MachineOutput): PowerSwitch {
  const parts = partsOf(resources, machine);
  const part = (type: string): StackResource | undefined => parts.find((each) => each.type === type);

  const container = part("host:index:Container");
  if (container?.id !== undefined) {
    const { id } = container;
    return {
      isOn: () => isRunning(id),
      on: () => {
        throw new UserError(
          `${machine.shortName}: only \`up\` starts a container node; set its auto_start to true`,
        );
      },
      off: () => end(id, "at once"),
    };
  }
  const domain = part("libvirt:index:Domain");
  if (domain?.id === undefined) throw new Error(`the state of the stack has no machine ${machine.name}`);
  const { id } = domain;
  const provider = resources.find(({ urn }) => domain.provider?.startsWith(`${urn}::`));
  const libvirt = new Libvirt(z.string().default("qemu:///system").parse(provider?.inputs.uri));
  return {
    // If the stack's own libvirtd has ended, so have its machines.
    isOn: () =>
      whileReachable(
        libvirt,
        () => isUp(libvirt, id),
        () => false,
      ),
    on: async () => {
      if (!(await isUp(libvirt, id))) await libvirt.run("start", id);
    },
    off: () =>
      whileReachable(
        libvirt,
        () => powerOff(libvirt, id),
        () => undefined,
      ),
  };
}
