import { createHash } from "node:crypto";
import type { Gpu, PciePassthrough } from "./schema/devices.ts";

/** What a node's name follows from, besides its cluster's. */
export interface NodeNameParts {
  readonly role: "controller" | "compute" | "control-plane" | "worker";
  /** Workers with and without a GPU are counted apart. */
  readonly hasGpu: boolean;
}

/** The names of a cluster's nodes inside it, in their order: `controller`, `compute-01`, `gpu-worker-02`. */
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

/** The full name of a node, which is also its hostname. */
export function fullName(cluster: string, shortName: string): string {
  return `${cluster}-${shortName}`;
}

/** The short name that a name in the file stands for: with or without the cluster's name before it. */
export function withoutCluster(cluster: string | undefined, name: string): string {
  return cluster !== undefined && name.startsWith(`${cluster}-`) ? name.slice(cluster.length + 1) : name;
}

/** The MAC address of a VM: from the MD5 of its name, made local and unicast. A checksum here, not a secret. */
export function macAddress(name: string): string {
  const bytes = createHash("md5").update(name).digest().subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfe) | 0x02;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** True for a node with a GPU: passed through, or listed in `gpus`. */
export function hasGpu(node: {
  readonly pcie_passthrough?: PciePassthrough | undefined;
  readonly gpus?: readonly Gpu[] | undefined;
}): boolean {
  const passthrough = node.pcie_passthrough;
  const passed =
    passthrough?.enabled === true && passthrough.devices.some((device) => device.device_type === "gpu");
  return passed || (node.gpus ?? []).length > 0;
}
