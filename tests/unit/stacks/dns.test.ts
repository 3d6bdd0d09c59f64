import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { deriveSite, parseClusterText } from "../../../config/index.ts";
import { dnsOf } from "../../../stacks/dns.ts";
import { validText } from "../config/fixtures.ts";

/** DNS of the networks of `hpc-cluster` and `cloud-cluster`, with the same settings in both. */
function dnsWith(settings: Readonly<Record<string, unknown>>): unknown[] {
  const file = parseDocument(validText("old-multi-gpu-clusters"));
  for (const cluster of ["hpc", "cloud"])
    for (const [key, value] of Object.entries(settings))
      file.setIn(["clusters", cluster, "network", key], file.createNode(value));
  const site = deriveSite(parseClusterText(file.toString(), { env: {} }).config);
  return site.clusters.map(({ name, network }) => {
    if (network === undefined) throw new Error(`${name} has no network`);
    return dnsOf(site, name, network);
  });
}

test("an isolated network forwards to the given servers, except its own domain", () => {
  const each = { forwarders: [{ address: "9.9.9.9" }], domainLocal: true };
  expect(dnsWith({ dns_servers: ["9.9.9.9"] })).toEqual([each, each]);
});

test("networks with shared DNS forward each other's domains", () => {
  expect(dnsWith({ dns_mode: "shared_dns" })).toEqual([
    { forwarders: [{ domain: "cloud-cluster.local", address: "192.168.200.1" }], domainLocal: true },
    { forwarders: [{ domain: "hpc-cluster.local", address: "192.168.100.1" }], domainLocal: true },
  ]);
});

test("a routed network forwards its own domain, too", () => {
  const each = { forwarders: [], domainLocal: false };
  expect(dnsWith({ dns_mode: "routed" })).toEqual([each, each]);
});

test("the domain of a service discovery is forwarded to it", () => {
  const discovery = { type: "consul", address: "10.9.9.9" };
  const each = { forwarders: [{ domain: "consul", address: "10.9.9.9" }], domainLocal: true };
  expect(dnsWith({ dns_mode: "service_discovery", service_discovery: discovery })).toEqual([each, each]);
});
