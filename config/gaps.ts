import { createHash } from "node:crypto";
import { basename } from "node:path";
import { addressText, overlap, parseSubnet, type Subnet } from "./ipv4.ts";
import { joinPath, type Problem } from "./problem.ts";
import { address as addressSchema, subnet as subnetSchema } from "./schema/fields.ts";
import { inside, isMap, type Values } from "./values.ts";

const CLUSTERS = {
  hpc: { head: "controller", members: "compute_nodes" },
  cloud: { head: "control_plane", members: "worker_nodes" },
} as const;

/**
 * Fills in what a cluster file may leave out and today's schema wants, in place: version, name, network, nodes and
 * partitions. Returns a warning for each, which says what was filled in.
 * @param name The file's name, for a site that has none.
 */
export function fillGaps(file: unknown, name: string | undefined): Problem[] {
  if (!isMap(file)) return [];
  const warnings: Problem[] = [];
  dropEmpty(file, ["global", "host", "workshop"]);
  if (isMissing(file, "version")) {
    file.version = "1.0";
    warnings.push({ path: "version", message: 'is missing: read as "1.0"' });
  }
  warnings.push(...fillMetadata(file, name));
  const clusters = inside(file, "clusters");
  if (clusters === undefined) return warnings;
  const taken = subnetsOf(clusters);
  for (const kind of ["hpc", "cloud"] as const) {
    const cluster = inside(clusters, kind);
    if (cluster === undefined) continue;
    warnings.push(...fillCluster(cluster, kind, taken));
  }
  return warnings;
}

function fillMetadata(file: Values, name: string | undefined): Problem[] {
  const isAbsent = isMissing(file, "metadata");
  if (isAbsent) file.metadata = {};
  const metadata = inside(file, "metadata");
  if (metadata === undefined || !isMissing(metadata, "name")) return [];
  const chosen = (name === undefined ? "" : basename(name).replace(/\.[^.]*$/, "")) || "cluster";
  metadata.name = chosen;
  const message = `is missing: the site is named ${chosen}${name === undefined ? "" : ", as the file"}`;
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
    warnings.push({ path: at(members), message: `${what}: ${head} is the cluster's only node` });
  }
  if (kind === "hpc" && isMissing(cluster, "slurm_config")) {
    cluster.slurm_config = {};
    warnings.push({
      path: at("slurm_config"),
      message: "is missing: one partition, compute, has every compute node",
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
  const network = inside(cluster, "network");
  if (network === undefined) return [];
  const name = typeof cluster.name === "string" ? cluster.name : kind;
  const warnings: Problem[] = [];
  const fill = (key: string, value: string, why: string): void => {
    if (!isMissing(network, key)) return;
    network[key] = value;
    const what = isAbsent ? `is missing: its ${key} is ${value}` : `is missing: ${value}`;
    warnings.push({ path: isAbsent ? path : joinPath(path, key), message: `${what}, from ${why}` });
  };
  const around = subnetOfAddresses(network, nodes, taken);
  if (around === undefined) fill("subnet", freeSubnet(name, kind, taken).text, "the cluster's name");
  else fill("subnet", around.text, "the addresses in it");
  fill("bridge", bridgeName(name), "the cluster's name");
  return warnings;
}

/** The subnets that the file gives, of all clusters. */
function subnetsOf(clusters: Values): Subnet[] {
  return Object.values(clusters).flatMap((cluster) => {
    const network = isMap(cluster) ? inside(cluster, "network") : undefined;
    const { data } = subnetSchema.safeParse(network?.subnet);
    return data === undefined ? [] : [parseSubnet(data)];
  });
}

// 10.64.0.0 to 10.191.255.0: clear of what libvirt (192.168.122), Docker (172.17 on), k3s (10.42, 10.43), Kubespray
// (10.233) and Calico (192.168.0.0/16) take by themselves.
const FIRST = 10 * 2 ** 24 + 64 * 2 ** 16;
const SUBNETS = 128 * 256;

/**
 * The subnet of a cluster that gives neither one nor addresses: a private /24 that follows from the cluster's name alone, so that it stays
 * when anything else in the file changes. Only a subnet of the file that overlaps it moves it on. The two kinds of
 * cluster choose among different ones, so that neither can move the other.
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
  // With every candidate taken the first one is as good as any: the overlap is then reported.
  return candidate(step % half);
}

/** The /24 that all addresses which the file gives to the network and its VMs lie in; undefined where there is none. */
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

/** At most 15 characters, as Linux allows. */
function bridgeName(name: string): string {
  return `virbr-${digest(name).toString("hex").slice(0, 8)}`;
}

function digest(name: string): Buffer {
  return createHash("sha256").update(name.toLowerCase()).digest();
}

function isVirtual(node: unknown): node is Values {
  return isMap(node) && !("ssh" in node);
}

/** True for a key that is not there, and for one with nothing behind it. */
function isMissing(values: Values, key: string): boolean {
  return values[key] === undefined || values[key] === null;
}

/** Removes keys with nothing behind them, which YAML reads as null. */
function dropEmpty(values: Values, keys: readonly string[]): void {
  for (const key of keys) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the keys are these few
    if (key in values && isMissing(values, key)) delete values[key];
  }
}
