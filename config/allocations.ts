import type { Network, Site, VirtualNode } from "./site.ts";

/** What of this host, and of its networks, the VMs of a site get. */
export interface Allocations {
  readonly subnets: readonly { readonly subnet: string; readonly bridge: string; readonly cluster: string }[];
  readonly addresses: readonly { readonly address: string; readonly machine: string }[];
  /** How many of the host's CPUs each machine has for itself. */
  readonly cpus: readonly { readonly machine: string; readonly cpus: number }[];
  /** PCI devices, each with all machines that claim it. */
  readonly devices: readonly { readonly pciAddress: string; readonly machines: readonly string[] }[];
}

/** What a site takes of its host, in the order of its file. */
export function allocationsOf({ clusters }: Site): Allocations {
  const vms = clusters.flatMap(({ acceleration, nodes }) =>
    nodes
      .filter((node) => node.kind === "virtual")
      .map((node) => ({ node, isPinned: acceleration.cpuPinning })),
  );
  const claims = vms.flatMap(({ node }) => devicesOf(node).map((pciAddress) => ({ pciAddress, node })));
  return {
    subnets: clusters.flatMap(({ name, network }) =>
      network === undefined ? [] : [subnetOf(name, network)],
    ),
    addresses: vms.flatMap(({ node: { name, address } }) =>
      address === undefined ? [] : [{ address, machine: name }],
    ),
    cpus: vms.filter(({ isPinned }) => isPinned).map(({ node }) => ({ machine: node.name, cpus: node.cpus })),
    devices: [...Map.groupBy(claims, ({ pciAddress }) => pciAddress)].map(([pciAddress, claimants]) => ({
      pciAddress,
      machines: claimants.map(({ node }) => node.name),
    })),
  };
}

function subnetOf(cluster: string, { subnet, bridge }: Network): Allocations["subnets"][number] {
  return { subnet, bridge, cluster };
}

/** Devices that a VM gets whole, and those that the host cuts a vGPU of. */
function devicesOf({ passthrough, gpus }: VirtualNode): string[] {
  const sliced = gpus.flatMap(({ vgpu, pciAddress }) => (vgpu === undefined ? [] : (pciAddress ?? [])));
  return [...new Set([...passthrough.map(({ pciAddress }) => pciAddress), ...sliced])];
}
