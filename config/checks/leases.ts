import type { Problem } from "../problem.ts";
import type { Site } from "../site.ts";
import type { Survey } from "./survey.ts";

/** Warnings about VMs without an address in the file, with the address that each gets. */
export function leaseWarnings({ clusters }: Survey, site: Site): Problem[] {
  const addresses = new Map(
    site.clusters.flatMap(({ nodes }) => nodes.map((node) => [node.name, node.address])),
  );
  return clusters
    .flatMap(({ nodes }) => nodes)
    .filter(({ keys, isHost }) => !isHost && !keys.has("ip") && !keys.has("ip_address"))
    .map(({ addressPath, name }) => ({
      path: addressPath,
      message: `is missing: using ${addresses.get(name) ?? "an address by DHCP"}, derived from the MAC address`,
    }));
}
