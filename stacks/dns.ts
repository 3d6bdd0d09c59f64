import type { NetworkDns } from "../components/machines/virtual-network.ts";
import type { Network, Site } from "../config/site.ts";

/** How the DNS server of a cluster's network forwards queries. */
export function dnsOf({ clusters }: Site, cluster: string, network: Network): NetworkDns {
  const { dnsMode, dnsServers, serviceDiscovery } = network;
  const servers = dnsServers.map((address) => ({ address }));
  if (dnsMode === "routed") return { forwarders: servers, domainLocal: false };
  if (dnsMode === "service_discovery" && serviceDiscovery !== undefined)
    return {
      forwarders: [...servers, { domain: serviceDiscovery.type, address: serviceDiscovery.address }],
      domainLocal: true,
    };
  // Each network's DNS server listens on its gateway, which the host's other networks reach.
  const neighbours =
    dnsMode === "shared_dns"
      ? clusters.flatMap(({ name, network: other }) =>
          name === cluster || other?.dnsMode !== "shared_dns"
            ? []
            : [{ domain: other.domain, address: other.gateway }],
        )
      : [];
  return { forwarders: [...servers, ...neighbours], domainLocal: true };
}
