import type { Acceleration, Image, Mount, Site, VirtualNode } from "../../../config/site.ts";

/** A VM with what its cluster says of the host's hardware. */
export interface PlannedVm extends VirtualNode {
  readonly acceleration: Acceleration;
}

/** What a site's VMs need of the host that they run on. */
export interface Needs {
  readonly vms: readonly PlannedVm[];
  /** Those that `up` starts. */
  readonly started: readonly PlannedVm[];
  /** PCI addresses that VMs claim, with the names of the VMs. */
  readonly claims: ReadonlyMap<string, readonly string[]>;
  readonly mounts: readonly Mount[];
  readonly images: readonly Image[];
}

export function needsOf({ clusters }: Site): Needs {
  const vms = clusters.flatMap(({ nodes, acceleration }) =>
    nodes.flatMap((node) => (node.kind === "virtual" ? [{ ...node, acceleration }] : [])),
  );
  const claims = new Map<string, string[]>();
  for (const { name, passthrough } of vms) {
    for (const { pciAddress } of passthrough)
      claims.set(pciAddress, [...(claims.get(pciAddress) ?? []), name]);
  }
  return {
    vms,
    started: vms.filter(({ autoStart }) => autoStart),
    claims,
    mounts: vms.flatMap(({ mounts }) => mounts),
    images: vms.map(({ image }) => image),
  };
}
