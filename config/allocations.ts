import type { Network, Site, VirtualNode } from "./site.ts";

/** Resources of this host and its networks that are allocated to the VMs of a site. */
export interface Allocations {
  readonly subnets: readonly { readonly subnet: string; readonly bridge: string; readonly cluster: string }[];
  readonly addresses: readonly { readonly address: string; readonly machine: string }[];
  /** Number of dedicated CPUs of the host, by machine. */
  readonly cpus: readonly { readonly machine: string; readonly cpus: number }[];
  /** PCI devices, each with every machine that claims it. */
  readonly devices: readonly { readonly pciAddress: string; readonly machines: readonly string[] }[];
}

/** The allocations of a site, in the order of its file. */
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

/** PCI addresses of a VM's passed-through devices and of the GPUs behind its vGPUs. */
function devicesOf({ passthrough, gpus }: VirtualNode): string[] {
  const sliced = gpus.flatMap(({ vgpu, pciAddress }) => (vgpu === undefined ? [] : (pciAddress ?? [])));
  return [...new Set([...passthrough.map(({ pciAddress }) => pciAddress), ...sliced])];
}
