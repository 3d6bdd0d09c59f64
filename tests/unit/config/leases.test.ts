import fc from "fast-check";
import { expect, test } from "vitest";
import { macAddress } from "../../../config/index.ts";
import { addressNumber } from "../../../config/ipv4.ts";
import type { Network, VirtualNode } from "../../../config/site.ts";
import { leaseAddresses } from "../../../config/leases.ts";

const network = {
  subnet: "10.0.0.0/24",
  gateway: "10.0.0.1",
  dhcpStart: "10.0.0.10",
  dhcpEnd: "10.0.0.40",
} as Network;

function node(name: string, address?: string): VirtualNode {
  return { name, mac: macAddress(name), address } as VirtualNode;
}

test("a static address stays, and no other node gets it", () => {
  const addresses = leaseAddresses(network, [node("a", "10.0.0.10"), node("b"), node("c")]);
  expect(addresses.get("a")).toBe("10.0.0.10");
  expect(new Set(addresses.values()).size).toBe(3);
});

test("every node gets a unique address in the range, while there are free ones", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 31 }), (names) => {
      const addresses = leaseAddresses(
        network,
        names.map((name) => node(name)),
      );
      const numbers = [...addresses.values()].map(addressNumber);
      expect(new Set(numbers).size).toBe(names.length);
      for (const number of numbers) {
        expect(number).toBeGreaterThanOrEqual(addressNumber(network.dhcpStart));
        expect(number).toBeLessThanOrEqual(addressNumber(network.dhcpEnd));
      }
    }),
  );
});

test("a node's address does not depend on the nodes after it", () => {
  const alone = leaseAddresses(network, [node("a")]);
  expect(leaseAddresses(network, [node("a"), node("b"), node("c")]).get("a")).toBe(alone.get("a"));
});

test("a range without a free address is an error that names the node", () => {
  const tiny = { ...network, dhcpEnd: "10.0.0.10" };
  expect(() => leaseAddresses(tiny, [node("a"), node("b")])).toThrow("no free address for b");
});
