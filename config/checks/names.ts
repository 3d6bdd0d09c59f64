import { macAddress } from "../naming.ts";
import { joinPath, type Problem } from "../problem.ts";
import { duplicates } from "./duplicates.ts";
import type { Survey } from "./survey.ts";

const LONGEST_LABEL = 63; // RFC 1035, 2.3.4

/** Problems with names: duplicate names, bridges, MAC addresses and hosts, and hostnames that are too long. */
export function nameProblems({ clusters }: Survey): Problem[] {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  // VMs with derived MAC addresses come first, so that a problem names the address in the file.
  const vms = nodes
    .filter((node) => !node.isHost)
    .sort((a, b) => Number(a.fields.mac !== undefined) - Number(b.fields.mac !== undefined));
  const hosts = nodes.filter((node) => node.fields.ssh !== undefined);
  return [
    ...clusters.flatMap(({ path, name, nodes }) => {
      const longest = nodes.map((node) => node.name).reduce((a, b) => (b.length > a.length ? b : a), "");
      if (name === undefined || longest.length <= LONGEST_LABEL) return [];
      const message = `is too long: the hostname ${longest} has ${longest.length} characters, the limit is ${LONGEST_LABEL}`;
      return [{ path: joinPath(path, "name"), message }];
    }),
    // Hostnames are case-insensitive.
    ...duplicates(clusters, (cluster) => cluster.name?.toLowerCase()).map(({ item, first }) => ({
      path: joinPath(item.path, "name"),
      message: `${item.name ?? ""} is already the name of cluster ${first.kind}`,
    })),
    ...duplicates(clusters, (cluster) => cluster.network?.fields.bridge).map(({ item, first }) => ({
      path: joinPath(item.path, "network", "bridge"),
      message: `${item.network?.fields.bridge ?? ""} is already the bridge of cluster ${first.kind}`,
    })),
    ...duplicates(vms, (node) => (node.fields.mac ?? macAddress(node.name)).toLowerCase())
      .filter(({ item }) => item.fields.mac !== undefined)
      .map(({ item, first }) => ({
        path: joinPath(item.path, "mac"),
        message: `${item.fields.mac ?? ""} is already the MAC address of ${first.name}`,
      })),
    ...duplicates(
      hosts,
      ({ fields }) => `${fields.ssh?.host.toLowerCase() ?? ""}:${fields.ssh?.port ?? ""}`,
    ).map(({ item, first }) => ({
      path: joinPath(item.path, "ssh", "host"),
      message: `${item.fields.ssh?.host ?? ""} is already ${first.name}`,
    })),
  ];
}
