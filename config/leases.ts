import { addressNumber, addressText } from "./ipv4.ts";
import type { Network, VirtualNode } from "./site.ts";

/**
 * The address of each node by its name: its static address, or for DHCP one of the network's range. The choice depends on the
 * node's MAC address, so that it stays the same when nodes are added after it.
 * @throws {RangeError} when the range has no free address left.
 */
export function leaseAddresses(network: Network, nodes: readonly VirtualNode[]): ReadonlyMap<string, string> {
  const addresses = new Map<string, string>();
  const taken = new Set<number>([addressNumber(network.gateway)]);
  for (const { name, address } of nodes) {
    if (address === undefined) continue;
    addresses.set(name, address);
    taken.add(addressNumber(address));
  }
  const first = addressNumber(network.dhcpStart);
  const size = addressNumber(network.dhcpEnd) - first + 1;
  for (const { name, mac } of nodes.filter(({ address }) => address === undefined)) {
    const start = Number.parseInt(mac.replaceAll(":", "").slice(-8), 16) % size;
    let step = 0;
    while (step < size && taken.has(first + ((start + step) % size))) step += 1;
    const free = first + ((start + step) % size);
    if (step === size) throw new RangeError(`${network.subnet} has no free address for ${name}`);
    taken.add(free);
    addresses.set(name, addressText(free));
  }
  return addresses;
}
