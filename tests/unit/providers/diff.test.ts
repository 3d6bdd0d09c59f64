import { describe, expect, it } from "vitest";
import { UNKNOWN } from "../../../wire/values.ts";
import { domainInputs, libvirtProvider, networkInputs } from "./machines.ts";

const provider = libvirtProvider();

/** What a change of one property does: `update`, `restart` or `replace`. */
function change(type: string, was: object, raw: Record<string, unknown>): string[] {
  const token = `libvirt:index:${type}`;
  return [
    ...new Set(provider.diff(token, { ...was }, { ...was, ...raw }).properties.map((each) => each.change)),
  ];
}

const vm = domainInputs({
  disks: [{ volume: "/a", generation: "1" }],
  cpu: { mode: "maximum" },
  machine: "pc",
});
const net = networkInputs({ gateway: "192.168.100.1", bridge: "br0" });
const volume = { pool: "p", name: "v", format: "qcow2", capacity: 100 };

describe("diff", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["name", { name: "other" }, "replace"],
    ["type", { type: "kvm" }, "restart"],
    ["arch", { arch: "aarch64" }, "replace"],
    ["machine", { machine: "q35" }, "restart"],
    ["firmware", { firmware: "uefi" }, "replace"],
    ["vcpus", { vcpus: 3 }, "restart"],
    ["memory", { memory: 3 }, "restart"],
    ["cpu", { cpu: { mode: "custom", model: "Nehalem", features: [] } }, "restart"],
    ["boot", { boot: { kernel: "/k", cmdline: "" } }, "restart"],
    ["disks", { disks: [] }, "restart"],
    ["a disk's generation", { disks: [{ ...vm.disks[0], generation: "2" }] }, "restart"],
    ["interfaces", { interfaces: [{ network: "n" }] }, "restart"],
    ["mounts", { mounts: [{ source: "/a", tag: "a" }] }, "restart"],
    ["hostDevices", { hostDevices: [{ type: "mdev", uuid: "x" }] }, "restart"],
    ["consoleLog", { consoleLog: "/log" }, "restart"],
    ["hugepages", { hugepages: 2048 }, "restart"],
    ["sharedMemory", { sharedMemory: true }, "restart"],
    ["numaCells", { numaCells: [{ cpus: "0", memory: 1024 }] }, "restart"],
    ["cpuPinning", { cpuPinning: [{ vcpu: 0, cpus: "0" }] }, "restart"],
    ["autostart", { autostart: true }, "update"],
    ["running", { running: false }, "update"],
    ["shutdownTimeout", { shutdownTimeout: 1 }, "update"],
    ["leaseTimeout", { leaseTimeout: 1 }, "update"],
  ])("of a domain's %s", (_what, raw, expected) => {
    expect(change("Domain", vm, raw)).toEqual([expected]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["name", { name: "other" }, "replace"],
    ["mode", { mode: "open" }, "replace"],
    ["subnet", { subnet: "10.0.0.0/24" }, "replace"],
    ["gateway", { gateway: "192.168.100.2" }, "replace"],
    ["gateway left out", { gateway: undefined }, "update"],
    ["bridge", { bridge: "br1" }, "replace"],
    ["bridge left out", { bridge: undefined }, "update"],
    ["mtu", { mtu: 9000 }, "replace"],
    ["domain", { domain: "x" }, "replace"],
    ["dhcp", { dhcp: { start: "192.168.100.2", end: "192.168.100.3" } }, "update"],
    ["leases", { leases: [{ mac: "m", address: "a" }] }, "update"],
    ["hosts", { hosts: [{ address: "a", names: ["n"] }] }, "update"],
    ["autostart", { autostart: false }, "update"],
    ["active", { active: false }, "update"],
  ])("of a network's %s", (_what, raw, expected) => {
    expect(change("Network", net, raw)).toEqual([expected]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["capacity grown", { capacity: 200 }, "update"],
    ["capacity shrunk", { capacity: 50 }, "replace"],
    ["capacity left out", { capacity: undefined }, "update"],
    ["format", { format: "raw" }, "replace"],
    ["source", { source: "/a" }, "replace"],
    ["backing", { backing: { path: "/a", format: "raw" } }, "replace"],
    ["pool", { pool: "q" }, "replace"],
  ])("of a volume's %s", (_what, raw, expected) => {
    expect(change("Volume", volume, raw)).toEqual([expected]);
  });

  it("of a cloud-init disk's contents replaces it", () => {
    const disk = { pool: "p", name: "v", userData: "a", metaData: "b" };
    expect(change("CloudInitDisk", disk, { userData: "c" })).toEqual(["replace"]);
  });

  it("of the generations that an imported machine learns does not restart it", () => {
    const imported = domainInputs({ ...vm, disks: [{ volume: "/a" }] });
    expect(change("Domain", imported, { disks: vm.disks })).toEqual(["update"]);
  });

  it("names the value that differs, and deletes before it replaces", () => {
    const diff = provider.diff(
      "libvirt:index:Network",
      { ...net },
      { ...net, mode: "open", leases: [{ mac: "m" }] },
    );
    expect(diff).toEqual({
      properties: [
        { path: "mode", kind: "update", change: "replace" },
        { path: "leases[0]", kind: "add", change: "update" },
      ],
      replaces: ["mode"],
      deleteBeforeReplace: true,
    });
  });

  it("takes an unknown for a change, and what it hides not for one", () => {
    const disks = [{ volume: UNKNOWN, generation: UNKNOWN }];
    expect(provider.diff("libvirt:index:Domain", { ...vm }, { ...vm, disks }).properties).toEqual([
      { path: "disks[0].generation", kind: "update", change: "update" },
      { path: "disks[0].volume", kind: "update", change: "update" },
    ]);
  });

  it("finds nothing where nothing changed", () => {
    expect(provider.diff("libvirt:index:Domain", { ...vm }, { ...vm }).properties).toEqual([]);
  });
});
