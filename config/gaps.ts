import { createHash } from "node:crypto";
import { basename } from "node:path";
import { addressText, overlap, parseSubnet, type Subnet } from "./ipv4.ts";
import { joinPath, type Problem } from "./problem.ts";
import { address as addressSchema, subnet as subnetSchema } from "./schema/fields.ts";
import { mapAt, isMap, type Values } from "./values.ts";

const CLUSTERS = {
  hpc: { head: "controller", members: "compute_nodes" },
  cloud: { head: "control_plane", members: "worker_nodes" },
} as const;

/**
 * Fills in, in place, keys that the schema requires and old cluster files may omit: version, name, network, nodes and
 * partitions. Returns a warning for each value that it fills in.
 * @param name The file's name, which becomes the name of a site without one.
 */
export function fillGaps(file: unknown, name: string | undefined): Problem[] {
  if (!isMap(file)) return [];
  const warnings: Problem[] = [];
  dropEmpty(file, ["global", "host", "workshop"]);
  if (isMissing(file, "version")) {
    file.version = "1.0";
    warnings.push({ path: "version", message: 'is missing: using "1.0"' });
  }
  warnings.push(...fillMetadata(file, name));
  const clusters = mapAt(file, "clusters");
  if (clusters === undefined) return warnings;
  const taken = subnetsOf(clusters);
  for (const kind of ["hpc", "cloud"] as const) {
    const cluster = mapAt(clusters, kind);
    if (cluster === undefined) continue;
    warnings.push(...fillCluster(cluster, kind, taken));
  }
  return warnings;
}

function fillMetadata(file: Values, name: string | undefined): Problem[] {
  const isAbsent = isMissing(file, "metadata");
  if (isAbsent) file.metadata = {};
  const metadata = mapAt(file, "metadata");
  if (metadata === undefined || !isMissing(metadata, "name")) return [];
  const chosen = (name === undefined ? "" : basename(name).replace(/\.[^.]*$/, "")) || "cluster";
  metadata.name = chosen;
  const message = `is missing: using ${chosen}${name === undefined ? "" : ", the name of the file"}`;
  return [{ path: isAbsent ? "metadata" : "metadata.name", message }];
}

function fillCluster(cluster: Values, kind: keyof typeof CLUSTERS, taken: readonly Subnet[]): Problem[] {
  const { head, members } = CLUSTERS[kind];
  const at = (...steps: string[]) => joinPath("clusters", kind, ...steps);
  const warnings: Problem[] = [];
  dropEmpty(cluster, ["hardware", "storage", "kubernetes_config"]);

  const nodes = cluster[members];
  if (isMissing(cluster, members) || (Array.isArray(nodes) && nodes.length === 0)) {
    cluster[members] = [];
    const what = nodes === undefined ? "is missing" : "is empty";
    warnings.push({ path: at(members), message: `${what}: the cluster has the node ${head} only` });
  }
  if (kind === "hpc" && isMissing(cluster, "slurm_config")) {
    cluster.slurm_config = {};
    warnings.push({
      path: at("slurm_config"),
      message: "is missing: using one partition, compute, with every compute node",
    });
  }

  const list = cluster[members];
  const all = [cluster[head], ...(Array.isArray(list) ? (list as unknown[]) : [list])];
  if (all.some(isVirtual)) warnings.push(...fillNetwork(cluster, kind, all, taken));
  return warnings;
}

function fillNetwork(
  cluster: Values,
  kind: keyof typeof CLUSTERS,
  nodes: readonly unknown[],
  taken: readonly Subnet[],
): Problem[] {
  const path = joinPath("clusters", kind, "network");
  const isAbsent = isMissing(cluster, "network");
  if (isAbsent) cluster.network = {};
  const network = mapAt(cluster, "network");
  if (network === undefined) return [];
  const name = typeof cluster.name === "string" ? cluster.name : kind;
  const warnings: Problem[] = [];
  const fill = (key: string, value: string, source: string): void => {
    if (!isMissing(network, key)) return;
    network[key] = value;
    const what = isAbsent ? `is missing: using ${key} ${value}` : `is missing: using ${value}`;
    warnings.push({
      path: isAbsent ? path : joinPath(path, key),
      message: `${what}, derived from ${source}`,
    });
  };
  const around = subnetOfAddresses(network, nodes, taken);
  if (around === undefined) fill("subnet", freeSubnet(name, kind, taken).text, "the cluster's name");
  else fill("subnet", around.text, "the addresses of its nodes");
  fill("bridge", bridgeName(name), "the cluster's name");
  return warnings;
}

/** The subnets of all clusters that the file gives. */
function subnetsOf(clusters: Values): Subnet[] {
  return Object.values(clusters).flatMap((cluster) => {
    const network = isMap(cluster) ? mapAt(cluster, "network") : undefined;
    const { data } = subnetSchema.safeParse(network?.subnet);
    return data === undefined ? [] : [parseSubnet(data)];
  });
}

// 10.64.0.0 to 10.191.255.0. Avoids the default subnets of libvirt (192.168.122), Docker (172.17 and up), k3s (10.42, 10.43),
// Kubespray (10.233) and Calico (192.168.0.0/16).
const FIRST = 10 * 2 ** 24 + 64 * 2 ** 16;
const SUBNETS = 128 * 256;

/**
 * The subnet of a cluster without a subnet and addresses in the file: a private /24 derived from the cluster's name, so that it
 * stays the same when other parts of the file change. If a subnet of the file overlaps it, the next free one is used. HPC and
 * cloud clusters use separate ranges, so that they never affect each other.
 */
function freeSubnet(name: string, kind: keyof typeof CLUSTERS, taken: readonly Subnet[]): Subnet {
  const half = SUBNETS / 2;
  const start = digest(name).readUInt16BE(0) % half;
  const candidate = (step: number): Subnet => {
    const number = 2 * ((start + step) % half) + (kind === "hpc" ? 0 : 1);
    return parseSubnet(`${addressText(FIRST + number * 256)}/24`);
  };
  const isFree = (subnet: Subnet): boolean => taken.every((other) => !overlap(subnet, other));
  let step = 0;
  while (step < half && !isFree(candidate(step))) step += 1;
  // If no candidate is free, the first one is returned, and the checks report the overlap.
  return candidate(step % half);
}

/** The /24 that contains all addresses of the network and its VMs in the file. Undefined without addresses, or if they differ. */
function subnetOfAddresses(
  { gateway_ip, dhcp_start, dhcp_end }: Values,
  nodes: readonly unknown[],
  taken: readonly Subnet[],
): Subnet | undefined {
  const ofNodes = nodes.filter(isVirtual).flatMap(({ ip, ip_address }) => [ip, ip_address]);
  const given = [gateway_ip, dhcp_start, dhcp_end, ...ofNodes]
    .flatMap((value) => addressSchema.safeParse(value).data ?? [])
    .map((text) => parseSubnet(`${addressText(parseSubnet(`${text}/24`).first)}/24`));
  const [first, ...others] = given;
  if (first === undefined || others.some(({ text }) => text !== first.text)) return undefined;
  return taken.some((other) => overlap(first, other)) ? undefined : first;
}

/** A bridge name derived from the cluster's name, of at most 15 characters as Linux allows. */
function bridgeName(name: string): string {
  return `virbr-${digest(name).toString("hex").slice(0, 8)}`;
}

function digest(name: string): Buffer {
  return createHash("sha256").update(name.toLowerCase()).digest();
}

function isVirtual(node: unknown): node is Values {
  return isMap(node) && !("ssh" in node);
}

/** True for a key that is missing, or has no value. */
function isMissing(values: Values, key: string): boolean {
  return values[key] === undefined || values[key] === null;
}

/** Removes keys without a value, which YAML reads as null. */
function dropEmpty(values: Values, keys: readonly string[]): void {
  for (const key of keys) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the keys are these few
    if (key in values && isMissing(values, key)) delete values[key];
  }
}
