import { describe, expect, it } from "vitest";
import { UNKNOWN } from "../../../wire/values.ts";
import { libvirtProvider } from "./machines.ts";

const provider = libvirtProvider();

/** `property: reason` of every problem. */
function problems(type: string, raw: Record<string, unknown>): string[] {
  return provider
    .check(`libvirt:index:${type}`, raw)
    .problems.map(({ property, reason }) => `${property}: ${reason}`);
}

const vm = { name: "vm", type: "qemu", arch: "x86_64", vcpus: 2, memory: 1024 };
const net = { name: "net", subnet: "10.0.0.0/24" };

describe("check of a domain", () => {
  it("accepts the least that a machine needs, and fills in the rest", () => {
    const { inputs, problems: found } = provider.check("libvirt:index:Domain", vm);
    expect(found).toEqual([]);
    expect(inputs).toMatchObject({ firmware: "bios", running: true, autostart: false, disks: [] });
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      "host-passthrough without KVM",
      { cpu: { mode: "host-passthrough" } },
      "cpu.mode: host-passthrough needs type kvm",
    ],
    ["custom without a model", { cpu: { mode: "custom" } }, "cpu.model: mode custom needs a model"],
    [
      "a model with another mode",
      { cpu: { mode: "maximum", model: "Nehalem" } },
      "cpu.model: a model goes with mode custom",
    ],
    [
      "a topology of other size",
      { cpu: { mode: "maximum", topology: { sockets: 1, cores: 2, threads: 2 } } },
      "cpu.topology: 1 x 2 x 2 processors, but vcpus is 2",
    ],
    [
      "NUMA nodes of another size",
      {
        memory: 96,
        numaCells: [
          { cpus: "0", memory: 32 },
          { cpus: "1", memory: 32 },
        ],
      },
      "numaCells: have 64 MiB together, but memory is 96",
    ],
    [
      "NUMA nodes that huge pages do not fill",
      {
        memory: 64,
        hugepages: 2048,
        numaCells: [
          { cpus: "0", memory: 31 },
          { cpus: "1", memory: 33 },
        ],
      },
      "hugepages: 31 MiB are not a whole number of 2048 KiB pages",
    ],
    [
      "pinning of a processor that is not there",
      { cpuPinning: [{ vcpu: 2, cpus: "0" }] },
      "cpuPinning[0].vcpu: there is no virtual processor 2",
    ],
    [
      "pinning to nonsense",
      { cpuPinning: [{ vcpu: 0, cpus: "all" }] },
      "cpuPinning[0].cpus: must be a list of processors",
    ],
    [
      "a kernel that does not know its root",
      { boot: { kernel: "/k", cmdline: "quiet" }, disks: [{ volume: "/d" }] },
      "boot.cmdline: must say where the root file system is",
    ],
    [
      "a kernel with nothing to run",
      { boot: { kernel: "/k", cmdline: "quiet" } },
      "boot.initrd: a kernel without an initrd",
    ],
    [
      "a relative kernel",
      { boot: { kernel: "k", cmdline: "root=/dev/vda" } },
      "boot.kernel: must be an absolute path",
    ],
    ["BIOS on aarch64", { arch: "aarch64" }, "firmware: aarch64 boots from a disk with uefi only"],
    [
      "memory in broken pages",
      { memory: 1025, hugepages: 2048 },
      "hugepages: 1025 MiB are not a whole number of 2048 KiB pages",
    ],
    ["a page size that does not exist", { hugepages: 4096 }, "hugepages: must be a page size in KiB"],
    [
      "a CD-ROM on virtio",
      { disks: [{ volume: "/a", device: "cdrom", bus: "virtio" }] },
      "disks[0].bus: a CD-ROM cannot be on virtio",
    ],
    ["IDE on q35", { disks: [{ volume: "/a", bus: "ide" }] }, "disks[0].bus: only machine type pc has ide"],
    [
      "a disk twice",
      { disks: [{ volume: "/a" }, { volume: "/a" }] },
      "disks[1].volume: /a is also disks[0]'s",
    ],
    [
      "a MAC twice",
      {
        interfaces: [
          { network: "n", mac: "52:54:00:00:00:01" },
          { network: "n", mac: "52:54:00:00:00:01" },
        ],
      },
      "interfaces[1].mac: 52:54:00:00:00:01 is also interfaces[0]'s",
    ],
    [
      "a bad MAC",
      { interfaces: [{ network: "n", mac: "52:54" }] },
      "interfaces[0].mac: must be a MAC address",
    ],
    [
      "a tag twice",
      {
        mounts: [
          { source: "/a", tag: "t" },
          { source: "/b", tag: "t" },
        ],
      },
      "mounts[1].tag: t is also mounts[0]'s",
    ],
    [
      "a device twice",
      {
        hostDevices: [
          { type: "pci", address: "0000:01:00.0" },
          { type: "pci", address: "0000:01:00.0" },
        ],
      },
      "hostDevices[1].address: 0000:01:00.0 is also hostDevices[0]'s",
    ],
    [
      "a bad PCI address",
      { hostDevices: [{ type: "pci", address: "01:00.0" }] },
      "hostDevices[0].address: must be a PCI address",
    ],
    ["a bad mdev", { hostDevices: [{ type: "mdev", uuid: "x" }] }, "hostDevices[0].uuid: must be a UUID"],
    ["no memory", { memory: 0 }, "memory: Too small"],
    ["a property that does not exist", { ram: 1 }, "ram: unknown property"],
  ])("refuses %s", (_what, raw, expected) => {
    expect(problems("Domain", { ...vm, ...raw }).join("\n")).toContain(expected);
  });

  it("reports all problems at once", () => {
    expect(
      problems("Domain", {
        ...vm,
        cpu: { mode: "host-model" },
        boot: { kernel: "/k", cmdline: "quiet" },
        hugepages: 1_048_576,
        memory: 1000,
      }),
    ).toHaveLength(3);
  });

  it("lets unknown values pass, and still checks what is known", () => {
    const raw = { ...vm, disks: [{ volume: UNKNOWN }, { volume: "relative" }], memory: UNKNOWN, vcpus: -1 };
    const { inputs, problems: found } = provider.check("libvirt:index:Domain", raw);
    expect(found.map(({ property }) => property)).toEqual(["vcpus", "disks[1].volume"]);
    expect(inputs).toMatchObject({ memory: UNKNOWN, disks: [{ volume: UNKNOWN }, { volume: "relative" }] });
  });
});

describe("check of a network", () => {
  it.each<[string, Record<string, unknown>, string]>([
    [
      "host bits",
      { subnet: "10.0.0.5/24" },
      "subnet: 10.0.0.5/24 has host bits set; did you mean 10.0.0.0/24?",
    ],
    ["nonsense", { subnet: "10.0.0.300/24" }, "subnet: 10.0.0.300/24 is not an IPv4 subnet"],
    ["a gateway elsewhere", { gateway: "10.0.1.1" }, "gateway: 10.0.1.1 is outside 10.0.0.0/24"],
    [
      "a range elsewhere",
      { dhcp: { start: "10.0.1.5", end: "10.0.1.9" } },
      "dhcp.start: 10.0.1.5 is outside",
    ],
    [
      "a range backwards",
      { dhcp: { start: "10.0.0.9", end: "10.0.0.5" } },
      "dhcp: 10.0.0.9 comes after 10.0.0.5",
    ],
    [
      "a range over the gateway",
      { dhcp: { start: "10.0.0.1", end: "10.0.0.5" } },
      "dhcp: the range contains the gateway",
    ],
    [
      "a lease elsewhere",
      { leases: [{ mac: "52:54:00:00:00:01", address: "10.0.1.5" }] },
      "leases[0].address: 10.0.1.5 is outside",
    ],
    [
      "a lease of the gateway",
      { leases: [{ mac: "52:54:00:00:00:01", address: "10.0.0.1" }] },
      "leases[0].address: 10.0.0.1 is the gateway's",
    ],
    [
      "a lease twice",
      {
        leases: [
          { mac: "52:54:00:00:00:01", address: "10.0.0.5" },
          { mac: "52:54:00:00:00:02", address: "10.0.0.5" },
        ],
      },
      "leases[1].address: 10.0.0.5 is also leases[0]'s",
    ],
    ["a long bridge name", { bridge: "bridge-of-the-cluster" }, "bridge: must be 1 to 15"],
  ])("refuses %s", (_what, raw, expected) => {
    expect(problems("Network", { ...net, ...raw }).join("\n")).toContain(expected);
  });
});

describe("check of a volume", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["an empty one without a size", {}, "capacity: an empty volume needs a capacity"],
    [
      "two origins",
      { source: "/a", backing: { path: "/b", format: "raw" } },
      "backing: a volume has a source or a backing file, not both",
    ],
    [
      "raw on a backing file",
      { format: "raw", backing: { path: "/b", format: "raw" } },
      "format: a volume on a backing file must be qcow2",
    ],
    ["a name that leaves the pool", { name: "../x", capacity: 1 }, "name: must be letters"],
  ])("refuses %s", (_what, raw, expected) => {
    expect(problems("Volume", { pool: "p", name: "v", ...raw }).join("\n")).toContain(expected);
  });
});

describe("check of the configuration", () => {
  it("takes the system's libvirt by default, and refuses what is no URI", () => {
    expect(provider.checkConfig({})).toEqual({ inputs: { uri: "qemu:///system" }, problems: [] });
    expect(provider.checkConfig({ uri: "localhost" }).problems).toHaveLength(1);
    expect(provider.checkConfig({ uri: UNKNOWN })).toEqual({ inputs: { uri: UNKNOWN }, problems: [] });
  });
});
