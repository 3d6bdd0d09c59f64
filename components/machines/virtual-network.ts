import * as pulumi from "@pulumi/pulumi";
import * as libvirt from "../../providers/libvirt/resources.ts";
import { checkArguments, distinct, ipv4, ipv4Subnet, macAddress, problemUnless } from "../arguments.ts";
import { childOf } from "../options.ts";

/** A name and address that the network's DHCP server keeps for one machine. */
export interface Lease {
  readonly name: string;
  readonly mac: string;
  readonly address: string;
}

/** Whom the network's DNS server asks for names that it does not know. */
export interface NetworkDns {
  /** Each for names of its domain, without one for all others. Empty: what the host itself asks. */
  readonly forwarders: readonly { readonly address: string; readonly domain?: string }[];
  /** Whether questions for names of the network's own domain stay here. */
  readonly domainLocal: boolean;
}

export interface VirtualNetworkArgs {
  /** libvirt's name for it, `<cluster>-network`. */
  name: pulumi.Input<string>;
  /** Name of the bridge, at most 15 characters. */
  bridge: pulumi.Input<string>;
  /** `10.0.0.0/24` */
  subnet: string;
  /** The network's own address in the subnet, where its DNS and DHCP servers listen. */
  gateway: string;
  /** First and last address of the pool for machines without a lease. */
  dhcpRange: { readonly start: string; readonly end: string };
  /** DNS domain. */
  domain: pulumi.Input<string>;
  /** Whether machines reach other networks. Default `nat`. */
  mode?: pulumi.Input<"nat" | "isolated" | "open">;
  leases: readonly Lease[];
  /** Default: the host's resolvers for everything but the own domain. */
  dns?: NetworkDns;
}

/** A network of virtual machines and container nodes, with DHCP leases and DNS names for them. */
export class VirtualNetwork extends pulumi.ComponentResource {
  /** libvirt's name; unknown until the network is there, so that machines wait for it. */
  readonly networkName: pulumi.Output<string>;
  readonly bridge: pulumi.Output<string>;
  readonly gateway: string;
  /** Length of the subnet's prefix, 24 of `10.0.0.0/24`. */
  readonly prefix: number;

  constructor(name: string, args: VirtualNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:VirtualNetwork", name, {}, opts);
    const { leases, bridge } = args;
    checkArguments(name, [
      ...ipv4Subnet("subnet", args.subnet),
      ...ipv4("gateway", args.gateway),
      ...ipv4("dhcpRange.start", args.dhcpRange.start),
      ...ipv4("dhcpRange.end", args.dhcpRange.end),
      // IFNAMSIZ of Linux is 16, with the closing zero byte.
      ...problemUnless(
        typeof bridge !== "string" || bridge.length <= 15,
        "bridge",
        "has more than 15 characters",
      ),
      ...leases.flatMap((lease, i) => [
        ...ipv4(`leases[${i}].address`, lease.address),
        ...macAddress(`leases[${i}].mac`, lease.mac),
      ]),
      ...distinct(
        leases.map((lease) => lease.address),
        (i) => `leases[${i}].address`,
      ),
      ...distinct(
        leases.map((lease) => lease.mac.toLowerCase()),
        (i) => `leases[${i}].mac`,
      ),
    ]);

    const network = new libvirt.Network(
      `${name}-network`,
      {
        name: args.name,
        bridge: args.bridge,
        mode: args.mode ?? "nat",
        domain: args.domain,
        ...(args.dns !== undefined && {
          domainLocal: args.dns.domainLocal,
          forwarders: args.dns.forwarders.map(({ address, domain }) => ({
            address,
            ...(domain !== undefined && { domain }),
          })),
        }),
        gateway: args.gateway,
        subnet: args.subnet,
        dhcp: args.dhcpRange,
        leases: args.leases.map(({ mac, address, name }) => ({ mac, address, name })),
      },
      childOf(this, opts),
    );

    this.networkName = network.name;
    this.bridge = network.bridge;
    this.gateway = args.gateway;
    this.prefix = Number(args.subnet.split("/")[1]);
    this.registerOutputs({ networkName: this.networkName, bridge: this.bridge, gateway: this.gateway });
  }
}
