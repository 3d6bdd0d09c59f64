import { z } from "zod";
import {
  addressNumber,
  addressText,
  contains,
  networkDefaults,
  overlap,
  parseSubnet,
  type Subnet,
} from "../ipv4.ts";
import { joinPath, type Problem } from "../problem.ts";
import { duplicates } from "./duplicates.ts";
import type { Survey, SurveyedCluster, SurveyedNode } from "./survey.ts";

/** Problems with subnets and addresses: overlaps, duplicates, and addresses outside their subnet. */
export function addressProblems({ clusters }: Survey): Problem[] {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  return [
    ...clusters.flatMap(clusterProblems),
    ...overlaps(clusters),
    ...duplicates(nodes, fixedAddress).map(({ item, first }) => ({
      path: item.addressPath,
      message: `${fixedAddress(item) ?? ""} is already the address of ${first.name}`,
    })),
  ];
}

/** The static address of a node; undefined with DHCP. */
function fixedAddress(node: SurveyedNode): string | undefined {
  const address = givenAddress(node);
  if (address !== undefined && address !== "DHCP") return address;
  return z.ipv4().safeParse(node.fields.ssh?.host).data;
}

function givenAddress({ fields, addressPath }: SurveyedNode): string | undefined {
  return addressPath.endsWith(".ip") ? fields.ip : fields.ip_address;
}

/** True for a VM that gets its address by DHCP. */
export function isLeased(node: SurveyedNode): boolean {
  if (node.isHost || !node.isReadable) return false;
  const key = node.addressPath.endsWith(".ip") ? "ip" : "ip_address";
  return givenAddress(node) === "DHCP" || !node.keys.has(key);
}

function overlaps(clusters: readonly SurveyedCluster[]): Problem[] {
  return clusters.flatMap((cluster, i) => {
    const subnet = planOf(cluster)?.subnet;
    return clusters.slice(0, i).flatMap((other) => {
      const taken = planOf(other)?.subnet;
      if (subnet === undefined || taken === undefined || !overlap(subnet, taken)) return [];
      const path = joinPath(cluster.path, "network", "subnet");
      return [{ path, message: `${subnet.text} overlaps ${taken.text} of cluster ${other.kind}` }];
    });
  });
}

/** The addresses of a network, with defaults filled in. */
interface Plan {
  readonly path: string;
  readonly subnet: Subnet;
  readonly gateway: number;
  readonly range: Range;
}

interface Range {
  readonly start: number;
  readonly end: number;
  /** `10.0.0.10-10.0.0.254` */
  readonly text: string;
  readonly isGiven: boolean;
}

function planOf({ network }: SurveyedCluster): Plan | undefined {
  if (network?.fields.subnet === undefined) return undefined;
  const { subnet: text, gateway_ip, dhcp_start, dhcp_end } = network.fields;
  const subnet = parseSubnet(text);
  const defaults = networkDefaults(subnet);
  const start = dhcp_start ?? defaults.dhcpStart;
  const end = dhcp_end ?? defaults.dhcpEnd;
  return {
    path: network.path,
    subnet,
    gateway: addressNumber(gateway_ip ?? defaults.gateway),
    range: {
      start: addressNumber(start),
      end: addressNumber(end),
      text: `${start}-${end}`,
      isGiven: dhcp_start !== undefined || dhcp_end !== undefined,
    },
  };
}

function isIn(range: Range, address: number): boolean {
  return range.start <= address && address <= range.end;
}

function clusterProblems(cluster: SurveyedCluster): Problem[] {
  const plan = planOf(cluster);
  if (plan === undefined) return [];
  const misplaced = (["gateway_ip", "dhcp_start", "dhcp_end"] as const).flatMap((key) => {
    const address = cluster.network?.fields[key];
    const message = address === undefined ? undefined : misplacement(plan.subnet, address);
    return message === undefined ? [] : [{ path: joinPath(plan.path, key), message }];
  });
  const { dns_mode: mode, service_discovery: discovery } = cluster.network?.fields ?? {};
  const unserved =
    mode === "service_discovery" && discovery === undefined
      ? [
          {
            path: joinPath(plan.path, "service_discovery"),
            message: "is required by dns_mode service_discovery",
          },
        ]
      : [];
  return [
    ...misplaced,
    ...unserved,
    ...cluster.nodes.flatMap((node) => nodeProblems(plan, node)),
    // Comparing makes no sense when the range lies outside the subnet.
    ...(misplaced.some(({ path }) => !path.endsWith("gateway_ip")) ? [] : rangeProblems(plan, cluster)),
  ];
}

function nodeProblems({ subnet, gateway }: Plan, node: SurveyedNode): Problem[] {
  const address = fixedAddress(node);
  // An existing host is reached by routing, so it may be outside the cluster's subnet.
  if (address === undefined || node.isHost) return [];
  const message =
    misplacement(subnet, address) ??
    (addressNumber(address) === gateway ? `${address} is the gateway of ${subnet.text}` : undefined);
  return message === undefined ? [] : [{ path: node.addressPath, message }];
}

function rangeProblems({ path, range, gateway }: Plan, cluster: SurveyedCluster): Problem[] {
  const { dhcp_end, gateway_ip } = cluster.network?.fields ?? {};
  if (range.start > range.end) {
    const key = dhcp_end === undefined ? "dhcp_start" : "dhcp_end";
    return [{ path: joinPath(path, key), message: `the DHCP range ${range.text} ends before it starts` }];
  }
  const problems: Problem[] = [];
  // The DHCP server never leases its own address, so only a range in the file is worth a message.
  if (range.isGiven && isIn(range, gateway)) {
    problems.push({
      path: joinPath(path, gateway_ip === undefined ? "dhcp_start" : "gateway_ip"),
      message: `the gateway ${addressText(gateway)} lies in the DHCP range ${range.text}`,
    });
  }

  // Without VMs the stack runs no DHCP server.
  if (cluster.nodes.every((node) => node.isHost)) return problems;
  // The DHCP server reserves a VM's static address even inside its range; an existing host has no lease.
  const reserved = new Set([gateway]);
  for (const node of cluster.nodes) {
    const text = fixedAddress(node);
    if (text === undefined) continue;
    const address = addressNumber(text);
    if (!node.isHost) reserved.add(address);
    else if (isIn(range, address)) {
      problems.push({ path: node.addressPath, message: `${text} lies in the DHCP range ${range.text}` });
    }
  }

  const wanted = cluster.nodes.filter((node) => isLeased(node)).length;
  const free = range.end - range.start + 1 - [...reserved].filter((address) => isIn(range, address)).length;
  if (wanted > free) {
    problems.push({
      path: joinPath(path, range.isGiven ? "dhcp_end" : "subnet"),
      message: `the DHCP range ${range.text} is too small: ${wanted} nodes need an address, ${free} are free`,
    });
  }
  return problems;
}

/** Why a machine in the subnet cannot have the address; undefined if it can. */
function misplacement(subnet: Subnet, text: string): string | undefined {
  const address = addressNumber(text);
  if (!contains(subnet, address)) return `${text} lies outside ${subnet.text}`;
  if (address === subnet.first) return `${text} is the network address of ${subnet.text}`;
  return address === subnet.last ? `${text} is the broadcast address of ${subnet.text}` : undefined;
}
