import ipaddr from "ipaddr.js";

/** An IPv4 subnet. Addresses are unsigned 32-bit numbers, for comparison and arithmetic. */
export interface Subnet {
  /** As in the file, `10.0.0.0/24`. */
  readonly text: string;
  /** The network address. */
  readonly first: number;
  /** The broadcast address. */
  readonly last: number;
  /** Length of the network part in bits, 0 to 32. */
  readonly prefix: number;
}

/** The number of a valid dotted address. Throws for any other text. */
export function addressNumber(text: string): number {
  return ipaddr.IPv4.parse(text)
    .toByteArray()
    .reduce((number, byte) => number * 256 + byte, 0);
}

/** The dotted form of an unsigned 32-bit number. */
export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
}

/** Parses a valid subnet, `a.b.c.d/n`. `first` has no host bits; `text` is unchanged. Throws for any other text. */
export function parseSubnet(text: string): Subnet {
  const [, prefix] = ipaddr.IPv4.parseCIDR(text);
  return {
    text,
    first: addressNumber(ipaddr.IPv4.networkAddressFromCIDR(text).toString()),
    last: addressNumber(ipaddr.IPv4.broadcastAddressFromCIDR(text).toString()),
    prefix,
  };
}

/** True when an address lies in a subnet, its network and broadcast addresses included. */
export function contains(subnet: Subnet, address: number): boolean {
  return subnet.first <= address && address <= subnet.last;
}

/** True when two subnets share an address. */
export function overlap(a: Subnet, b: Subnet): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** The default gateway and DHCP range of a subnet of /30 or larger. */
export function networkDefaults(subnet: Subnet): { gateway: string; dhcpStart: string; dhcpEnd: string } {
  const end = subnet.last - 1;
  return {
    gateway: addressText(subnet.first + 1),
    // The documented start, network + 10, does not exist in a /29 or /30. There the range starts after the gateway.
    dhcpStart: addressText(subnet.first + (subnet.prefix < 29 ? 10 : 2)),
    dhcpEnd: addressText(end),
  };
}
