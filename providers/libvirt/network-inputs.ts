import ipaddr from "ipaddr.js";
import { z } from "zod";
import type { InputsOf, Problem } from "../framework/resource.ts";
import { addressSchema, macSchema, nameSchema } from "./schemas.ts";

const leaseSchema = z.strictObject({
  /** The interface's MAC address. */
  mac: macSchema,
  /** An address of the subnet, other than the gateway's. */
  address: addressSchema,
  /** Host name that DHCP announces and DNS answers; none by default. */
  name: z.string().min(1).optional(),
});

const hostSchema = z.strictObject({ address: addressSchema, names: z.array(z.string().min(1)).min(1) });

const forwarderSchema = z.strictObject({
  /** IPv4 address of a DNS server. */
  address: addressSchema,
  /** Only questions for names of this domain; default is all others. */
  domain: z.string().min(1).optional(),
});

export const networkSchemas = {
  /** libvirt's name for it. */
  name: nameSchema,
  /** `nat` (default): machines reach out through the host; `isolated`: each other only; `open`: routed, no filter. */
  mode: z.enum(["nat", "isolated", "open"]).default("nat"),
  /** IPv4 subnet, `192.168.100.0/24`. */
  subnet: z.string().refine((text) => ipaddr.IPv4.isValidCIDRFourPartDecimal(text), {
    error: (issue) => `${String(issue.input)} is not an IPv4 subnet such as 192.168.100.0/24`,
  }),
  /** The host's own address in it; default is the subnet's first. */
  gateway: addressSchema.optional(),
  /** Name of the bridge, 15 characters at most; default is libvirt's next free `virbrN`. */
  bridge: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,15}$/, "must be 1 to 15 letters, digits, dots, dashes or underscores")
    .optional(),
  /** Bytes; default is the kernel's, 1500. */
  mtu: z.int().min(576).max(65_536).optional(),
  /** DNS domain of the machines. */
  domain: z.string().min(1).optional(),
  /** Whether questions for unknown names of `domain` are answered here and not forwarded; default true. */
  domainLocal: z.boolean().default(true),
  /** Addresses for machines without a lease of their own; none by default. */
  dhcp: z.strictObject({ start: addressSchema, end: addressSchema }).optional(),
  /** An address that DHCP always gives to the same interface. Leases change while the network runs, without a restart. */
  leases: z.array(leaseSchema).default([]),
  /** Names that its DNS server answers, besides those of the leases. */
  hosts: z.array(hostSchema).default([]),
  /** DNS servers for questions that it cannot answer; default is those of the host. */
  forwarders: z.array(forwarderSchema).default([]),
  /** Started with libvirtd; default true. */
  autostart: z.boolean().default(true),
  /** Whether it runs; default true. */
  active: z.boolean().default(true),
};

/** What a virtual network is made from. */
export type NetworkInputs = InputsOf<typeof networkSchemas>;
export type NetworkLease = NetworkInputs["leases"][number];
export type NetworkHost = NetworkInputs["hosts"][number];
export type NetworkForwarder = NetworkInputs["forwarders"][number];

/** The host's address in the network: the given one, or the subnet's first. */
export function gatewayOf(inputs: Pick<NetworkInputs, "subnet" | "gateway">): string {
  if (inputs.gateway !== undefined) return inputs.gateway;
  const octets = ipaddr.IPv4.networkAddressFromCIDR(inputs.subnet).octets;
  return [...octets.slice(0, 3), (octets[3] ?? 0) + 1].join(".");
}

/** Problems between inputs: addresses outside the subnet, and duplicates. */
export function checkNetwork(inputs: NetworkInputs): Problem[] {
  const subnet = ipaddr.IPv4.parseCIDR(inputs.subnet);
  const network = ipaddr.IPv4.networkAddressFromCIDR(inputs.subnet).toString();
  const problems: Problem[] = [];
  const problem = (property: string, reason: string) => problems.push({ property, reason });
  const inside = (property: string, address: string) => {
    if (!ipaddr.IPv4.parse(address).match(subnet))
      problem(property, `${address} is outside ${inputs.subnet}`);
  };

  if (subnet[0].toString() !== network) {
    problem("subnet", `${inputs.subnet} has host bits set; did you mean ${network}/${subnet[1]}?`);
  }
  const gateway = gatewayOf(inputs);
  inside("gateway", gateway);
  if (inputs.dhcp !== undefined) {
    inside("dhcp.start", inputs.dhcp.start);
    inside("dhcp.end", inputs.dhcp.end);
    const [start, end] = [number(inputs.dhcp.start), number(inputs.dhcp.end)];
    if (start > end) problem("dhcp", `${inputs.dhcp.start} comes after ${inputs.dhcp.end}`);
    if (start <= number(gateway) && number(gateway) <= end) {
      problem("dhcp", `the range contains the gateway, ${gateway}`);
    }
  }
  const seen = new Map<string, string>();
  for (const [index, lease] of inputs.leases.entries()) {
    const at = `leases[${index}]`;
    inside(`${at}.address`, lease.address);
    if (lease.address === gateway) problem(`${at}.address`, `${gateway} is the gateway's`);
    for (const [key, value] of Object.entries(lease)) {
      const first = seen.get(`${key} ${value}`);
      if (first === undefined) seen.set(`${key} ${value}`, at);
      else problem(`${at}.${key}`, `${value} is also ${first}'s`);
    }
  }
  return problems;
}

function number(address: string): number {
  return ipaddr.IPv4.parse(address).octets.reduce((sum, octet) => sum * 256 + octet, 0);
}
