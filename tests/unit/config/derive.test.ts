import { describe, expect, test } from "vitest";
import { deriveSite, macAddress, parseClusterText, type Site } from "../../../config/index.ts";
import { validText } from "./fixtures.ts";

function site(fixture: string): Site {
  return deriveSite(parseClusterText(validText(fixture), { env: {} }).config, { folder: "/project" });
}

function names(fixture: string): string[] {
  return site(fixture).clusters.flatMap((cluster) => cluster.nodes.map((node) => node.name));
}

test("a MAC address is the first six bytes of the name's MD5, made local and unicast", () => {
  // By md5sum of "a" and of empty input, with the first byte changed by hand.
  expect(macAddress("a")).toBe("0e:c1:75:b9:c0:f1");
  expect(macAddress("")).toBe("d6:1d:8c:d9:8f:00");
});

describe("names", () => {
  test("of an HPC cluster", () => {
    expect(names("minimal-hpc")).toEqual(["lab-controller", "lab-compute-01"]);
  });

  test("of a cloud cluster: workers with and without a GPU are numbered separately", () => {
    expect(names("old-multi-gpu-clusters").slice(3)).toEqual([
      "cloud-cluster-control-plane",
      "cloud-cluster-cpu-worker-01",
      "cloud-cluster-gpu-worker-01",
    ]);
  });

  test("of groups", () => {
    expect(names("group-dhcp").slice(9, 15)).toEqual([
      "groups-compute-09",
      "groups-compute-10",
      "groups-compute-11",
      "groups-compute-12",
      "groups-cloud-control-plane",
      "groups-cloud-cpu-worker-01",
    ]);
  });
});

test("defaults of a network follow from its subnet", () => {
  expect(site("minimal-hpc").hpc?.network).toEqual({
    name: "lab-network",
    bridge: "virbr-lab",
    subnet: "10.0.0.0/24",
    gateway: "10.0.0.1",
    dhcpStart: "10.0.0.10",
    dhcpEnd: "10.0.0.254",
    // No default: the old 192.168.100.1 is right for one network only.
    dnsServers: [],
    dnsMode: "isolated",
    serviceDiscovery: undefined,
    domain: "lab.local",
  });
  expect(site("containers").hpc?.network).toMatchObject({ dhcpStart: "10.0.0.2", dhcpEnd: "10.0.0.6" });
});

test("nodes have sizes, an address and a MAC address", () => {
  const [controller, compute] = site("minimal-hpc").hpc?.nodes ?? [];
  expect(controller).toMatchObject({ role: "controller", shortName: "controller", memoryMib: 4096 });
  expect(compute).toMatchObject({
    role: "compute",
    cpus: 4,
    memoryMib: 8192,
    diskGib: 50,
    address: "10.0.0.11",
    mac: macAddress("lab-compute-01"),
    autoStart: true,
  });
  const leased = site("group-dhcp").hpc?.nodes.map((node) => node.address) ?? [];
  expect(leased).not.toContain(undefined);
  expect(new Set(leased).size).toBe(leased.length);
});

test("a node's own image and MAC address override the cluster's image and the derived address", () => {
  const [controller, compute] = site("four-nodes-eight-gpus").hpc?.nodes ?? [];
  expect(controller).toMatchObject({
    image: { kind: "file", path: "/project/images/controller.qcow2", given: "images/controller.qcow2" },
  });
  expect(compute).toMatchObject({
    image: { kind: "file", path: "/project/images/gpu.qcow2", given: "images/gpu.qcow2" },
    mac: "52:54:00:00:00:11",
  });
  expect(site("containers").hpc?.nodes[0]).toMatchObject({
    image: { kind: "built", distribution: "debian12", mirror: undefined },
  });
});

test("existing hosts have no properties of VMs", () => {
  const [controller, compute] = site("existing-hosts").hpc?.nodes ?? [];
  expect(controller).toEqual({
    name: "homelab-controller",
    shortName: "controller",
    role: "controller",
    address: "192.168.1.20",
    cpus: undefined,
    memoryMib: undefined,
    diskGib: undefined,
    gpus: [],
    gpuPlan: [],
    kind: "existing",
    ssh: expect.objectContaining({ host: "192.168.1.20", port: 22, user: "admin" }) as unknown,
  });
  expect(compute).toMatchObject({ address: "192.168.1.21", memoryMib: 121856, ssh: { port: 2222 } });
  expect(site("existing-hosts").hpc?.network).toBeUndefined();
});

test("a GPU in both gpus and pcie_passthrough is passed through once", () => {
  const nodes = site("four-nodes-eight-gpus").hpc?.nodes ?? [];
  const addresses = nodes.map(
    (node) => node.kind === "virtual" && node.passthrough.map((device) => device.pciAddress),
  );
  expect(addresses).toEqual([
    [],
    ["0000:17:00.0", "0000:31:00.0"],
    ["0000:4b:00.0", "0000:65:00.0"],
    ["0000:98:00.0", "0000:b1:00.0"],
    ["0000:ca:00.0", "0000:e3:00.0"],
  ]);
  const [gpu] = site("containers").hpc?.nodes[1]?.gpus ?? [];
  expect(gpu).toMatchObject({ model: "a100-40gb", pretended: true, count: 2, pciAddress: undefined });
});

test("the old gpu block becomes a GPU with MIG profiles, at the address of the passed-through device", () => {
  expect(site("old-legacy-keys").hpc?.nodes[1]?.gpus).toEqual([
    {
      model: undefined,
      pciAddress: "0000:65:00.0",
      pretended: false,
      count: 1,
      migProfiles: ["1g.5gb", "2g.10gb"],
    },
  ]);
});

describe("partitions", () => {
  const summary = (fixture: string) =>
    site(fixture).hpc?.slurm.partitions.map(({ name, nodes, isDefault }) => ({
      name,
      nodes: nodes.length,
      isDefault,
    }));

  test("without options have every compute node; gpu has those with a GPU", () => {
    expect(summary("old-multi-gpu-clusters")).toEqual([
      { name: "gpu", nodes: 1, isDefault: true },
      { name: "debug", nodes: 2, isDefault: false },
    ]);
  });

  test("with a list of nodes have those, by their full names", () => {
    expect(summary("four-nodes-eight-gpus")).toEqual([
      { name: "mig", nodes: 4, isDefault: true },
      { name: "large", nodes: 2, isDefault: false },
      { name: "gpu", nodes: 4, isDefault: false },
    ]);
    expect(site("four-nodes-eight-gpus").hpc?.slurm).toMatchObject({
      partitions: [{ maxTime: "4:00:00" }, { maxTime: "UNLIMITED", state: "DRAIN" }, { maxTime: "2-12" }],
      accounting: true,
      options: { SchedulerType: "sched/backfill", SlurmctldTimeout: 300 },
    });
  });

  test("have a default even if the file gives none", () => {
    expect(summary("group-dhcp")).toEqual([{ name: "compute", nodes: 12, isDefault: true }]);
  });
});

test("storage roles have full node names", () => {
  expect(site("old-beegfs").hpc?.storage).toEqual({
    nfs: undefined,
    beegfs: {
      managementNode: "test-hpc-beegfs-controller",
      metadataNodes: ["test-hpc-beegfs-controller"],
      storageNodes: ["test-hpc-beegfs-compute-01", "test-hpc-beegfs-compute-02"],
      mountPoint: "/mnt/beegfs",
      mountOptions: "defaults,_netdev",
      autoMount: true,
      version: undefined,
      dataDirectory: "/data/beegfs",
      packages: { from: "makers" },
      tls: undefined,
      license: undefined,
    },
  });
  expect(site("containers").hpc?.storage.nfs).toEqual({
    server: "quick-controller",
    mountPoint: "/scratch",
    options: "vers=4.2,hard,noatime,_netdev",
  });
});

test("hardware options are normalized", () => {
  expect(site("old-hardware").hpc?.acceleration).toEqual({
    mode: "auto",
    nested: false,
    cpuModel: "host-passthrough",
    cpuFeatures: [
      { name: "avx2", policy: "require" },
      { name: "hle", policy: "disable" },
    ],
    cpuTopology: { sockets: 2, threads: 2 },
    numaNodes: 2,
    cpuPinning: true,
    hugepages: "1G",
    sharedMemory: true,
  });
  expect(site("hosts-and-vms").hpc?.acceleration.mode).toBe("tcg");
});

test("variables are expanded before deriving", () => {
  expect(site("old-template").hpc?.nodes).toMatchObject([
    { name: "templated-controller", cpus: 2, mounts: [{ mountPoint: "/mnt/templated" }] },
    { name: "templated-compute-01", autoStart: false },
  ]);
  expect(site("no-template").description).toBe("Stays $HOME");
});
