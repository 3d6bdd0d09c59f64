import type { Acceleration, Image, Mount, Site, VirtualNode } from "../../../config/site.ts";

/** A VM, with the acceleration of its cluster. */
export interface PlannedVm extends VirtualNode {
  readonly acceleration: Acceleration;
}

/** What the VMs of a site need on their host. */
export interface Needs {
  readonly vms: readonly PlannedVm[];
  /** The VMs that `up` starts. */
  readonly started: readonly PlannedVm[];
  /** The VMs that claim each PCI address. */
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
