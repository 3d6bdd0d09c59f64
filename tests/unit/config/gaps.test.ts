import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import { deriveSite, parseClusterText, type Cluster, type Site } from "../../../config/index.ts";

const size = { cpu_cores: 2, memory_gb: 4, disk_gb: 20 };
const hpc = (name: string, rest: object = {}) => ({
  name,
  base_image_path: "a.qcow2",
  controller: size,
  compute_nodes: [size],
  ...rest,
});
const cloud = (name: string, rest: object = {}) => ({
  name,
  base_image_path: "a.qcow2",
  control_plane: size,
  worker_nodes: [size],
  ...rest,
});

function load(clusters: object, file?: string): { site: Site; warnings: readonly string[] } {
  const options = file === undefined ? {} : { file };
  const { config, warnings } = parseClusterText(JSON.stringify({ clusters }), { env: {}, ...options });
  return {
    site: deriveSite(config),
    warnings: warnings.map(({ path, message }) => `${path}: ${message}`),
  };
}

const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/);

describe("a network that the file omits", () => {
  const place = (cluster: Cluster | undefined) => [cluster?.network?.subnet, cluster?.network?.bridge];

  test("is a private /24 with a valid bridge name, and a warning shows both", () => {
    fc.assert(
      fc.property(names, (name) => {
        const { site, warnings } = load({ hpc: hpc(name) });
        const [subnet = "", bridge = ""] = place(site.hpc);
        const [address, prefix] = ipaddr.parseCIDR(subnet);
        expect([address.range(), prefix]).toEqual(["private", 24]);
        // Loading has checked the name of the bridge by the schema.
        for (const chosen of [subnet, bridge])
          expect(warnings.find((line) => line.includes(chosen))).toContain("clusters.hpc.network: ");
      }),
    );
  });

  test("stays the same when clusters and nodes are added", () => {
    fc.assert(
      fc.property(names, names, fc.nat({ max: 30 }), (name, other, count) => {
        fc.pre(name !== other);
        const alone = load({ hpc: hpc(name) }).site;
        const more = Array.from({ length: count }, () => size);
        const both = load({ hpc: hpc(name, { compute_nodes: more }), cloud: cloud(other) }).site;
        expect(place(both.hpc)).toEqual(place(alone.hpc));
        expect(place(both.cloud)).toEqual(place(load({ cloud: cloud(other) }).site.cloud));
      }),
    );
  });

  test("does not overlap subnets in the file", () => {
    const [taken] = place(load({ hpc: hpc("lab") }).site.hpc);
    const given = cloud("other", { network: { subnet: taken, bridge: "br0" } });
    const { site } = load({ hpc: hpc("lab"), cloud: given });
    expect(site.cloud?.network?.subnet).toBe(taken);
    expect(site.hpc?.network?.subnet).not.toBe(taken);
  });

  test("is the /24 of its nodes' addresses, if they have any", () => {
    const controller = { ...size, ip_address: "192.168.77.10" };
    const { site, warnings } = load({ hpc: hpc("lab", { controller }) });
    expect(site.hpc?.network?.subnet).toBe("192.168.77.0/24");
    expect(warnings).toContainEqual(expect.stringContaining("derived from the addresses of its nodes"));
  });

  test("is undefined if every node is an existing host", () => {
    const ssh = { host: "10.0.0.9", user: "me", host_key: `ssh-ed25519 ${"A".repeat(68)}` };
    const { site } = load({ hpc: hpc("lab", { controller: { ssh }, compute_nodes: [] }) });
    expect(site.hpc?.network).toBeUndefined();
  });
});

test("the address of a node without one stays the same when nodes are added after it", () => {
  fc.assert(
    fc.property(names, fc.nat({ max: 20 }), (name, count) => {
      const few = load({ hpc: hpc(name) }).site.hpc?.nodes ?? [];
      const compute_nodes = Array.from({ length: 1 + count }, () => size);
      const many = load({ hpc: hpc(name, { compute_nodes }) }).site.hpc?.nodes ?? [];
      expect(many.slice(0, few.length).map(({ address }) => address)).toEqual(
        few.map(({ address }) => address),
      );
    }),
  );
});

test("a site without a name gets the file's name", () => {
  const at = (file?: string) => load({ hpc: hpc("lab") }, file).site.name;
  expect(at("/some/where/my-lab.yaml")).toBe("my-lab");
  expect(at()).toBe("cluster");
});

test("a mistyped section is still an unknown key", () => {
  expect(() => load({ hpc: hpc("lab", { netwrok: {} }) })).toThrow("1 problem");
});
