import * as pulumi from "@pulumi/pulumi";
import { HostDevices } from "../components/gpu/host-devices.ts";
import { UserError } from "../config/errors.ts";
import type { Site, VirtualNode } from "../config/site.ts";
import type { GpuPlan } from "../gpu/index.ts";

/** Prepares this machine's devices and huge pages for VMs; undefined if they need none. */
export function hostDevices({ name, clusters }: Site, uri: string): HostDevices | undefined {
  const nodes = clusters.flatMap((cluster) => cluster.nodes.filter((node) => node.kind === "virtual"));
  const claims = Map.groupBy(
    nodes.flatMap((node) => node.passthrough.map(({ pciAddress }) => ({ pciAddress, machine: node.name }))),
    ({ pciAddress }) => pciAddress,
  );
  const hugePages2m = hugePages(clusters, "2M", 2);
  const hugePages1g = hugePages(clusters, "1G", 1024);
  if (claims.size === 0 && hugePages2m + hugePages1g === 0) return undefined;
  if (!/^qemu(\+unix)?:\/\/\//.test(uri)) {
    throw new UserError(
      `ai-how:libvirtUri: ${uri} is another machine, and ai-how prepares devices and huge pages only on its own; run ai-how there`,
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
    hugePages1g,
  });
}

/** Number of huge pages that the VMs with auto_start need, of pages of `mib` MiB. */
function hugePages(clusters: Site["clusters"], size: "2M" | "1G", mib: number): number {
  return clusters
    .filter(({ acceleration }) => acceleration.hugepages === size)
    .flatMap((cluster) => cluster.nodes.filter((node) => node.kind === "virtual"))
    .filter(({ autoStart }) => autoStart)
    .reduce((sum, { memoryMib }) => sum + Math.ceil(memoryMib / mib), 0);
}

/** The host's devices of a node: its GPUs as planned, and the PCI addresses of its other devices. */
export function nodeDevices({ gpuPlan, passthrough }: VirtualNode): {
  gpus: GpuPlan;
  passthrough: string[];
} {
  const planned = gpuPlan.filter(({ pciAddress }) => pciAddress !== undefined);
  const others = passthrough.filter(({ pciAddress }) =>
    planned.every((gpu) => gpu.pciAddress !== pciAddress),
  );
  return { gpus: planned, passthrough: others.map(({ pciAddress }) => pciAddress) };
}
