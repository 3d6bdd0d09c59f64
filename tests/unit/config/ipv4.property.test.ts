import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addressNumber,
  addressText,
  contains,
  networkDefaults,
  overlap,
  parseSubnet,
} from "../../../config/ipv4.ts";
import { parseClusterText } from "../../../config/index.ts";
import { validText } from "./fixtures.ts";
import { problemLines } from "./problems.ts";

const address = fc.nat({ max: 0xffffffff });
const prefix = fc.integer({ min: 1, max: 30 });
const subnet = fc.record({ address, prefix }).map(({ address: inside, prefix: bits }) => {
  const size = 2 ** (32 - bits);
  return parseSubnet(`${addressText(Math.floor(inside / size) * size)}/${bits}`);
});

test("addressNumber inverts addressText", () => {
  fc.assert(fc.property(address, (number) => addressNumber(addressText(number)) === number));
});

test("a subnet contains exactly the addresses that share its prefix", () => {
  fc.assert(
    fc.property(subnet, address, (net, number) => {
      const size = 2 ** (32 - net.prefix);
      expect(net.last - net.first + 1).toBe(size);
      expect(contains(net, number)).toBe(Math.floor(number / size) === Math.floor(net.first / size));
    }),
  );
});

test("subnets overlap exactly when one contains the other's network address", () => {
  fc.assert(
    fc.property(subnet, subnet, (a, b) => {
      expect(overlap(a, b)).toBe(contains(a, b.first) || contains(b, a.first));
      expect(overlap(a, b)).toBe(overlap(b, a));
    }),
  );
});

test("the defaults of every subnet are in it and in order, and the range excludes the gateway", () => {
  fc.assert(
    fc.property(subnet, (net) => {
      const { gateway, dhcpStart, dhcpEnd } = networkDefaults(net);
      const [at, start, end] = [gateway, dhcpStart, dhcpEnd].map(addressNumber);
      expect([net.first, at, start, end, net.last].map(Number)).toEqual(
        [net.first, at, start, end, net.last].map(Number).sort((a, b) => a - b),
      );
      expect(at).toBeLessThan(Number(start));
    }),
  );
});

test("a subnet is accepted, or its host bits are reported with the subnet that was meant", () => {
  const minimal = validText("minimal-hpc")
    .replace(/ip_address: .*/, "ip_address: DHCP")
    .replace(/ip: .*/, "ip: DHCP");
  fc.assert(
    fc.property(subnet, address, (net, offset) => {
      const host = net.first + (offset % (net.last - net.first + 1));
      const text = `${addressText(host)}/${net.prefix}`;
      const lines = problemLines(() => parseClusterText(minimal.replace("10.0.0.0/24", text)));
      if (host !== net.first) {
        expect(lines).toEqual([
          `clusters.hpc.network.subnet: ${text} has host bits set: did you mean ${net.text}?`,
        ]);
      } else if (net.prefix < 30) expect(lines).toEqual([]);
      // A /30 has a gateway and one more address, for two nodes.
      else expect(lines).toEqual([expect.stringContaining("is too small: 2 nodes need an address")]);
    }),
    { numRuns: 50 },
  );
});

test("a static address is accepted exactly when a machine in the subnet can have it", () => {
  const minimal = validText("minimal-hpc").replace(/ip_address: .*/, "ip_address: DHCP");
  fc.assert(
    fc.property(fc.integer({ min: 24, max: 28 }), fc.nat({ max: 255 }), (bits, last) => {
      const node = `10.0.0.${last}`;
      const text = minimal.replace("10.0.0.0/24", `10.0.0.0/${bits}`).replace("10.0.0.11", node);
      const isUsable = last > 1 && last < 2 ** (32 - bits) - 1;
      expect(problemLines(() => parseClusterText(text)).length).toBe(isUsable ? 0 : 1);
    }),
    { numRuns: 50 },
  );
});
