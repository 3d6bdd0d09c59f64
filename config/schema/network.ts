import { z } from "zod";
import { address, withValue, subnet, text } from "./fields.ts";

const serviceDiscovery = z
  .strictObject({
    type: text.describe("Kind of service discovery and the domain that it answers for, for example consul."),
    address: address.describe("IPv4 address of its DNS interface."),
  })
  .describe("DNS of a service discovery; used with dns_mode service_discovery.");

/** A cluster's own virtual network. */
export const network = z
  .strictObject({
    subnet: subnet.describe(
      "IPv4 subnet, /30 or larger, without host bits; may not overlap another cluster's. Default: follows from the cluster's name.",
    ),
    bridge: z
      .string()
      .regex(/^[a-zA-Z0-9._-]+$/, {
        error: withValue("is not a bridge name: use letters, digits, dot, _ and -"),
      })
      // IFNAMSIZ of Linux is 16, with the closing zero byte.
      .max(15, { error: withValue("is longer than the 15 characters that Linux allows") })
      .describe("Name of the bridge on the host, at most 15 characters; not shared between clusters."),
    gateway_ip: address
      .optional()
      .describe("The host's address in the subnet. Default: the first address after the network address."),
    dhcp_start: address
      .optional()
      .describe("First address that DHCP gives out. Default: network address + 10, in a /29 or /30 + 2."),
    dhcp_end: address
      .optional()
      .describe("Last address that DHCP gives out. Default: the last before the broadcast address."),
    dns_servers: z
      .array(address)
      .default([])
      .describe("Where the network's DNS server forwards questions. Default: to the host's own resolvers."),
    dns_mode: z
      .enum(["isolated", "shared_dns", "routed", "service_discovery"])
      .default("isolated")
      .describe(
        "How names of other networks resolve. isolated: not at all. shared_dns: clusters of this file that both have it " +
          "know each other's names. routed: dns_servers are asked for names of the cluster's own domain, too. " +
          "service_discovery: names of the domain service_discovery.type are asked of its address. Default: isolated.",
      ),
    service_discovery: serviceDiscovery.optional(),
  })
  .describe(
    "The cluster's virtual network. Default: a private /24 and a bridge that follow from the cluster's name; none where every node is an existing host.",
  );

export type Network = z.output<typeof network>;
