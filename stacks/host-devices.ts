import * as pulumi from "@pulumi/pulumi";
import { GpuDevice } from "../components/machines/gpu-device.ts";
import { HostDevices } from "../components/machines/host-devices.ts";
import type { HostDevice } from "../components/machines/virtual-machine.ts";
import { UserError } from "../config/errors.ts";
import type { Site, VirtualNode } from "../config/site.ts";
import { planGpus } from "../gpu/index.ts";
import { isVirtual } from "./machines.ts";

/** What VMs take from this machine; undefined where they take nothing. */
export function hostDevices({ name, clusters }: Site, uri: string): HostDevices | undefined {
  const nodes = clusters.flatMap((cluster) => cluster.nodes.filter(isVirtual));
  const claims = Map.groupBy(
    nodes.flatMap((node) => node.passthrough.map(({ pciAddress }) => ({ pciAddress, machine: node.name }))),
    ({ pciAddress }) => pciAddress,
  );
  const hugePages2m = clusters
    .filter(({ acceleration }) => acceleration.hugepages === "2M")
    .flatMap((cluster) => cluster.nodes.filter(isVirtual))
    .filter(({ autoStart }) => autoStart)
    .reduce((sum, { memoryMib }) => sum + Math.ceil(memoryMib / 2), 0);
  if (claims.size === 0 && hugePages2m === 0) return undefined;
  if (!/^qemu(\+unix)?:\/\/\//.test(uri)) {
    throw new UserError(
      `ai-how:libvirtUri: ${uri} is another machine, whose devices and huge pages cannot be prepared from here; run ai-how there`,
    );
  }
  return new HostDevices(`${name}-devices`, {
    owner: pulumi
      .getStack()
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, "-"),
    devices: [...claims].map(([address, wanted]) => ({
      address,
      machines: wanted.map(({ machine }) => machine),
    })),
    hugePages2m,
  });
}

/** GPUs and other PCI devices of the host that a node gets. */
export function hostDevicesOf({ name, gpus, passthrough }: VirtualNode): HostDevice[] {
  const planned = planGpus(gpus).plan.filter(({ pciAddress }) => pciAddress !== undefined);
  const devices = planned.map((gpu) => new GpuDevice(`${name}-gpu-${gpu.index}`, { gpu }).hostDevice);
  const others = passthrough.filter(({ pciAddress }) =>
    planned.every((gpu) => gpu.pciAddress !== pciAddress),
  );
  return [...devices, ...others.map(({ pciAddress }) => ({ type: "pci" as const, address: pciAddress }))];
}
