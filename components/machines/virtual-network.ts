import * as pulumi from "@pulumi/pulumi";
import * as libvirt from "../../providers/libvirt/resources.ts";
import { checkArguments, distinct, ipv4, ipv4Subnet, macAddress, problemUnless } from "../arguments.ts";
import { childOf } from "../options.ts";

/** A static DHCP lease, with its DNS name. */
export interface Lease {
  readonly name: string;
  readonly mac: string;
  readonly address: string;
}

/** Forwarding of the network's DNS server. */
export interface NetworkDns {
  /** DNS servers, each for one domain, or without `domain` for all other names. Empty: the host's resolvers. */
  readonly forwarders: readonly { readonly address: string; readonly domain?: string }[];
  /** Whether queries for the network's own domain are never forwarded. */
  readonly domainLocal: boolean;
}

export interface VirtualNetworkArgs {
  /** Name of the network in libvirt, `<cluster>-network`. */
  name: pulumi.Input<string>;
  /** Name of the bridge, at most 15 characters. */
  bridge: pulumi.Input<string>;
  /** `10.0.0.0/24` */
  subnet: string;
  /** The host's address in the subnet, where the network's DNS and DHCP servers listen. */
  gateway: string;
  /** First and last address of the DHCP pool for machines without a static lease. */
  dhcpRange: { readonly start: string; readonly end: string };
  /** DNS domain. */
  domain: pulumi.Input<string>;
  /** libvirt's forward mode; `isolated`: machines do not reach other networks. Default: `nat`. */
  mode?: pulumi.Input<"nat" | "isolated" | "open">;
  leases: readonly Lease[];
  /** Default: the host's resolvers for all names outside the network's domain. */
  dns?: NetworkDns;
}

/** A network of libvirt for VMs and container nodes, with DHCP leases and DNS names for them. */
export class VirtualNetwork extends pulumi.ComponentResource {
  /** Name of the network in libvirt; unknown until the network exists, so that machines wait for it. */
  readonly networkName: pulumi.Output<string>;
  readonly bridge: pulumi.Output<string>;
  readonly gateway: string;
  /** Prefix length of the subnet: 24 for `10.0.0.0/24`. */
  readonly prefix: number;

  constructor(name: string, args: VirtualNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:VirtualNetwork", name, {}, opts);
    const { leases, bridge } = args;
    checkArguments(name, [
      ...ipv4Subnet("subnet", args.subnet),
      ...ipv4("gateway", args.gateway),
      ...ipv4("dhcpRange.start", args.dhcpRange.start),
      ...ipv4("dhcpRange.end", args.dhcpRange.end),
      // IFNAMSIZ in Linux is 16, including the terminating zero.
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
