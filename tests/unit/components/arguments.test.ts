import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { Playbook } from "../../../components/ansible/playbook.ts";
import { nfsShare } from "../../../components/hpc/nfs-share.ts";
import { SlurmCluster, type SlurmClusterArgs } from "../../../components/hpc/slurm-cluster.ts";
import { SmokeJob } from "../../../components/hpc/smoke-job.ts";
import { ContainerMachine } from "../../../components/machines/container-machine.ts";
import { CpuPinning } from "../../../components/machines/cpu-pinning.ts";
import { GpuDevice } from "../../../components/machines/gpu-device.ts";
import { HostDevices } from "../../../components/gpu/host-devices.ts";
import type { Machine } from "../../../components/machines/machine.ts";
import { platformOf } from "../../../components/machines/platform.ts";
import { VirtualMachine } from "../../../components/machines/virtual-machine.ts";
import { VirtualNetwork } from "../../../components/machines/virtual-network.ts";
import { DevEnvironment } from "../../../components/workshop/dev-environment.ts";
import { DevImage } from "../../../components/workshop/dev-image.ts";
import { chartImage } from "../../../components/workshop/image-reference.ts";
import { Temporal } from "../../../components/workshop/temporal.ts";
import { TemporalOnKubernetes } from "../../../components/workshop/temporal-on-kubernetes.ts";
import { planGpus } from "../../../gpu/index.ts";
import { SshKey } from "../../../providers/host/resources.ts";
import { mockedResources } from "../../support/mocks.ts";

const A30 = { model: "a30", pciAddress: undefined, pretended: false, count: 1, migProfiles: [] };

const { made } = mockedResources();

/** The property paths of all argument problems that making a component reports. */
function refused(make: () => unknown): readonly string[] {
  try {
    make();
    return [];
  } catch (error) {
    if (!pulumi.InputPropertiesError.isInstance(error)) throw error;
    return error.errors.map(({ propertyPath }) => propertyPath);
  }
}

const network = {
  name: "lab",
  bridge: "virbr-lab",
  subnet: "10.0.0.0/24",
  gateway: "10.0.0.1",
  dhcpRange: { start: "10.0.0.10", end: "10.0.0.99" },
  domain: "lab.local",
  leases: [{ name: "a", mac: "02:00:00:00:00:0a", address: "10.0.0.10" }],
};
const lease = (more: object) => ({ name: "b", mac: "02:00:00:00:00:0b", address: "10.0.0.11", ...more });

describe("a network", () => {
  test("accepts valid arguments", () => {
    expect(refused(() => new VirtualNetwork("lab", network))).toEqual([]);
  });

  test.each([
    [["subnet"], { subnet: "10.0.0.0" }],
    [["subnet"], { subnet: "10.0.0.0/33" }],
    [["gateway"], { gateway: "" }],
    [["dhcpRange.start", "dhcpRange.end"], { dhcpRange: { start: "x", end: "10.0.0" } }],
    [["bridge"], { bridge: "a-name-of-16-chars" }],
    [["leases[1].address"], { leases: [...network.leases, lease({ address: "" })] }],
    [["leases[1].mac"], { leases: [...network.leases, lease({ mac: "02:00" })] }],
    [["leases[1].address"], { leases: [...network.leases, lease({ address: "10.0.0.10" })] }],
    [["leases[1].mac"], { leases: [...network.leases, lease({ mac: "02:00:00:00:00:0A" })] }],
    [["subnet", "gateway"], { subnet: "lab", gateway: "lab" }],
  ])("reports %j", (paths, more) => {
    expect(refused(() => new VirtualNetwork("lab", { ...network, ...more }))).toEqual(paths);
  });

  test("creates no resource with invalid arguments", () => {
    refused(() => new VirtualNetwork("lab", { ...network, subnet: "10.0.0.0" }));
    expect(made.filter(({ type }) => type.startsWith("libvirt:"))).toEqual([]);
  });
});

describe("machines", () => {
  const shared = () => ({
    hostname: "a",
    network: new VirtualNetwork("lab", network),
    mac: "02:00:00:00:00:0a",
    address: "10.0.0.10",
    adminKey: new SshKey("key", { comment: "test" }),
  });
  const vm = (more: object) => () =>
    new VirtualMachine("a", {
      ...shared(),
      image: { disk: pulumi.output("/a.qcow2") },
      pool: "pool",
      consoleDirectory: pulumi.output("/console"),
      cpus: 4,
      memoryMib: 4096,
      diskGib: 20,
      domain: "lab.local",
      platform: platformOf({ arch: "x86_64", type: pulumi.output("kvm" as const) }),
      ...more,
    });

  test("accept valid arguments", () => {
    expect(refused(vm({}))).toEqual([]);
    const all = {
      cpuTopology: { sockets: 2, threads: 2 },
      numaNodes: 2,
      hugepages: 2048,
      hostCpus: [0, 1, 2, 3],
    };
    expect(refused(vm(all))).toEqual([]);
  });

  test.each([
    [["cpus"], { cpuTopology: { sockets: 3, threads: 1 } }],
    [["cpuTopology.threads"], { cpuTopology: { sockets: 1, threads: 0 } }],
    [["cpus"], { cpus: 1.5 }],
    [["memoryMib"], { memoryMib: Number.NaN }],
    [["diskGib"], { diskGib: 0 }],
    [["address"], { address: "" }],
    [["address", "mac"], { address: "10.0.0.0/24", mac: "" }],
    [["numaNodes"], { numaNodes: 8 }],
    [["memoryMib"], { hugepages: 1048576, memoryMib: 1536 }],
    [["hostCpus"], { hostCpus: [0, 1] }],
    [["gpus[0].pciAddress"], { gpus: planGpus([A30]).plan }],
    [["passthrough[0]"], { passthrough: ["41:00.0"] }],
    [["passthrough[1]"], { passthrough: ["0000:41:00.0", "0000:41:00.0"] }],
    [
      ["mounts[1].tag"],
      {
        mounts: ["/a", "/b"].map((path) => ({ tag: "t", hostPath: path, mountPoint: path, options: "rw" })),
      },
    ],
  ])("report %j of a VM", (paths, more) => {
    expect(refused(vm(more))).toEqual(paths);
  });

  test("report problems of a container", () => {
    const args = {
      ...shared(),
      image: undefined as never,
      networkNamespace: "/run/netns/lab",
      stateDirectory: "/state",
      address: "",
    };
    expect(refused(() => new ContainerMachine("a", args))).toEqual(["address"]);
  });

  test("report problems of host resources", () => {
    const devices = ["0000:41:00.0", "0000:41:00.0", "gpu"].map((address) => ({ address, machines: ["a"] }));
    const wanted = { owner: "My Stack", devices, hugePages2m: -1 };
    expect(refused(() => new HostDevices("devices", wanted))).toEqual([
      "owner",
      "devices[2].address",
      "devices[1].address",
      "hugePages2m",
    ]);
    const requests = [
      { machine: "a", cpus: 0 },
      { machine: "a", cpus: 1 },
    ];
    expect(refused(() => new CpuPinning("cpus", { requests }))).toEqual([
      "requests[0].cpus",
      "requests[1].machine",
    ]);
    const slice = { address: "", vgpu: { backend: "mdev" as const, type: 1 } };
    expect(refused(() => new GpuDevice("gpu", slice))).toEqual(["address"]);
  });
});

describe("HPC components", () => {
  const machine = (name: string) => ({ name, kind: "vm", ready: pulumi.output(name) }) as unknown as Machine;
  const [head, worker] = [machine("head"), machine("worker")];
  const partition = {
    name: "all",
    nodes: ["worker"],
    isDefault: true,
    maxTime: "1:00",
    state: "UP" as const,
  };
  const cluster = (more: Partial<SlurmClusterArgs>) => () =>
    new SlurmCluster("lab", {
      clusterName: "lab",
      controller: head,
      nodes: [{ machine: worker, cpus: 1, realMemory: 1, gpus: [] }],
      partitions: [partition],
      ...more,
    });

  test("accepts valid arguments", () => {
    expect(refused(cluster({}))).toEqual([]);
  });

  test.each([
    [["clusterName"], { clusterName: "Lab" }],
    [["partitions"], { partitions: [] }],
    [["partitions[0].nodes[1]"], { partitions: [{ ...partition, nodes: ["worker", "wroker"] }] }],
    [["partitions", "partitions[1].name"], { partitions: [partition, partition] }],
  ])("reports %j of a SLURM cluster", (paths, more) => {
    expect(refused(cluster(more))).toEqual(paths);
  });

  test("reports problems of a smoke job, an NFS share and a playbook", () => {
    const empty = cluster({ nodes: [], partitions: [{ ...partition, nodes: [] }] })();
    const after = { triggers: [], completed: pulumi.output("") } as unknown as Playbook;
    expect(refused(() => new SmokeJob("job", { cluster: empty, after }))).toEqual(["cluster"]);

    const share = { server: head, clients: [worker, head], path: "scratch", allowedSubnet: "everybody" };
    expect(refused(() => nfsShare(share))).toEqual(["path", "allowedSubnet", "clients[1]"]);

    const play = (machines: Machine[]) => ({
      playbook: "cluster",
      plays: [
        {
          roles: [],
          groups: { all: machines },
          variables: pulumi.output({}).apply((of): Record<string, unknown> => of),
        },
      ],
    });
    expect(refused(() => new Playbook("run", play([])))).toEqual(["plays"]);
    expect(refused(() => new Playbook("run", play([head, machine("head")])))).toEqual(["plays"]);
  });
});

describe("the workshop", () => {
  test("reports problems of an image, an environment and Temporal", () => {
    const image = { uid: -1, gid: 1.5, base: "two words", contentDigest: "" };
    expect(refused(() => new DevImage("image", image))).toEqual(["uid", "gid", "base", "contentDigest"]);
    const environment = { projectId: "../up", root: "home/", uid: 1, gid: 1, image: undefined as never };
    expect(refused(() => new DevEnvironment("dev", environment))).toEqual(["projectId", "root"]);
    expect(refused(() => new Temporal("t", { port: 0, uiPort: 0, namespace: "default" }))).toEqual([
      "port",
      "uiPort",
      "uiPort",
    ]);
    const cluster = { kubernetesNamespace: "temporal", namespace: "default" };
    const images = { server: "registry:5000/temporal", ui: "temporal ui:1" };
    expect(refused(() => new TemporalOnKubernetes("t", { ...cluster, storageGb: 0.5, images }))).toEqual([
      "storageGb",
      "images.server",
      "images.ui",
    ]);
  });

  const digest = "a".repeat(64);
  // The forms of github.com/distribution/reference.
  test.each([
    ["temporalio/server:1.2", "temporalio/server", "1.2"],
    ["registry:5000/temporal/server:1.2", "registry:5000/temporal/server", "1.2"],
    ["registry.local/server:v1_2-a.b", "registry.local/server", "v1_2-a.b"],
    [`registry:5000/server@sha256:${digest}`, "registry:5000/server@sha256", digest],
    [`registry:5000/server:1.2@sha256:${digest}`, "registry:5000/server:1.2@sha256", digest],
  ])("splits %s so that repository:tag is the reference", (reference, repository, tag) => {
    expect(chartImage(reference)).toEqual({ repository, tag });
    expect(`${repository}:${tag}`).toBe(reference);
  });

  test.each(["server", "registry:5000/server", "server:", "a b:1", `server@sha256:${digest.slice(1)}`, ""])(
    "rejects an image without tag and digest, or an invalid one: %j",
    (reference) => {
      expect(chartImage(reference)).toBeUndefined();
    },
  );
});
