import { z } from "zod";
import { address, withValue, subnet, text } from "./fields.ts";

const serviceDiscovery = z
  .strictObject({
    type: text.describe("Kind of service discovery, which is also its DNS domain, for example consul."),
    address: address.describe("IPv4 address of its DNS interface."),
  })
  .describe("DNS of a service discovery. Only with dns_mode: service_discovery.");

/** A cluster's own virtual network. */
export const network = z
  .strictObject({
    subnet: subnet.describe(
      "IPv4 subnet, /30 or larger, without host bits. Must not overlap another cluster's. Default: derived from the cluster's name.",
    ),
    bridge: z
      .string()
      .regex(/^[a-zA-Z0-9._-]+$/, {
        error: withValue("is not a bridge name: use letters, digits, dot, _ and -"),
      })
      // IFNAMSIZ in Linux is 16, including the terminating zero.
      .max(15, { error: withValue("is longer than the 15 characters that Linux allows") })
      .describe("Name of the bridge on the host, at most 15 characters, unique per cluster."),
    gateway_ip: address
      .optional()
      .describe("The host's address in the subnet. Default: the first address after the network address."),
    dhcp_start: address
      .optional()
      .describe("First address of the DHCP range. Default: network address + 10; + 2 in a /29 or /30."),
    dhcp_end: address
      .optional()
      .describe("Last address of the DHCP range. Default: the last before the broadcast address."),
    dns_servers: z
      .array(address)
      .default([])
      .describe("Forwarders of the network's DNS server. Default: the host's resolvers."),
    dns_mode: z
      .enum(["isolated", "shared_dns", "routed", "service_discovery"])
      .default("isolated")
      .describe(
        "How the network's DNS server resolves names. isolated: names of the own domain, and the forwarders for all others. " +
          "shared_dns: also names of this file's other clusters with shared_dns. routed: forwards queries for the own domain, too. " +
          "service_discovery: forwards the domain service_discovery.type to service_discovery.address. Default: isolated.",
      ),
    service_discovery: serviceDiscovery.optional(),
  })
  .describe(
    "The cluster's virtual network. Default: a private /24 and a bridge derived from the cluster's name; none if every node is an existing host.",
  );

export type Network = z.output<typeof network>;
