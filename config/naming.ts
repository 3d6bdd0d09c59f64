import { createHash } from "node:crypto";
import type { Gpu, PciePassthrough } from "./schema/devices.ts";

/** What determines the name of a node, besides the name of its cluster. */
export interface NodeNameParts {
  readonly role: "controller" | "compute" | "control-plane" | "worker";
  /** Workers with and without a GPU are numbered separately. */
  readonly hasGpu: boolean;
}

/** The short names of a cluster's nodes, in order: `controller`, `compute-01`, `gpu-worker-02`. */
export function shortNames(nodes: readonly NodeNameParts[]): string[] {
  const counts = new Map<string, number>();
  return nodes.map(({ role, hasGpu }) => {
    if (role === "controller" || role === "control-plane") return role;
    const stem = role === "compute" ? "compute" : hasGpu ? "gpu-worker" : "cpu-worker";
    const number = (counts.get(stem) ?? 0) + 1;
    counts.set(stem, number);
    return `${stem}-${String(number).padStart(2, "0")}`;
  });
}

/** The full name of a node, which is its hostname. */
export function fullName(cluster: string, shortName: string): string {
  return `${cluster}-${shortName}`;
}

/** The short name of a node. `name` may have the prefix `<cluster>-`. */
export function withoutCluster(cluster: string | undefined, name: string): string {
  return cluster !== undefined && name.startsWith(`${cluster}-`) ? name.slice(cluster.length + 1) : name;
}

/** The MAC address of a VM: the first six bytes of the MD5 of its name, made local and unicast. */
export function macAddress(name: string): string {
  const bytes = createHash("md5").update(name).digest().subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** True for a node with a GPU, in `gpus` or `pcie_passthrough`. */
export function hasGpu(node: {
  readonly pcie_passthrough?: PciePassthrough | undefined;
  readonly gpus?: readonly Gpu[] | undefined;
}): boolean {
  const passthrough = node.pcie_passthrough;
  const passed =
    passthrough?.enabled === true && passthrough.devices.some((device) => device.device_type === "gpu");
  return passed || (node.gpus ?? []).length > 0;
}
