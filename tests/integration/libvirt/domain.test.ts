import { join } from "node:path";
import { readdir } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { type Made, Stage, unavailable } from "./stage.ts";

const stage = new Stage("domain");
let disk: Made;

beforeAll(async () => {
  if (unavailable !== undefined) return;
  await stage.driver("StoragePool").create({ name: "pool", path: stage.pool });
  await stage.driver("Network").create({ name: "net", subnet: "10.77.0.0/24" });
  disk = await stage.driver("Volume").create({ pool: "pool", name: "disk.qcow2", capacity: 1_048_576 });
});

/** A machine that runs its firmware on an empty disk: enough for libvirt. */
const inputs = () => ({
  name: "vm",
  type: "qemu",
  arch: "x86_64",
  vcpus: 1,
  memory: 32,
  shutdownTimeout: 0,
  disks: [{ volume: disk.state.path, generation: disk.state.generation }],
  interfaces: [{ network: "net" }],
  consoleLog: join(String(stage.made.state.consoleDirectory), "vm.log"),
});

/** libvirt's number of the running machine: another one after each start. */
const run = async () => (await stage.virsh("domid", "vm")).trim();

describeUnless(unavailable, "Domain", () => {
  it("runs, and changes without a restart what needs none", async () => {
    const driver = stage.driver("Domain");
    const made = await driver.create(inputs());
    expect(await stage.virsh("domstate", "vm")).toContain("running");
    expect(made.state.macAddresses).toEqual([expect.stringMatching(/^52:54:00:/)]);
    expect(await driver.drift(made)).toEqual([]);
    const first = await run();
    const updated = await driver.update(made, { ...inputs(), autostart: true });
    expect(await run()).toBe(first);
    expect(await driver.drift(updated)).toEqual([]);
    const restarted = await driver.update(updated, { ...inputs(), memory: 48, vcpus: 2 });
    expect(await run()).not.toBe(first);
    expect(await stage.virsh("dominfo", "vm")).toMatch(/CPU\(s\): +2\n[^]*Max memory: +49152 KiB/);
    const stopped = await driver.update(restarted, { ...inputs(), memory: 48, vcpus: 2, running: false });
    expect(await stage.virsh("domstate", "vm")).toContain("shut off");
    expect(await driver.drift(stopped)).toEqual([]);
    await driver.delete(stopped);
    await driver.delete(stopped);
    expect(await stage.virsh("list", "--all", "--name")).toBe("");
  });

  it("restarts when a disk was made anew", async () => {
    const driver = stage.driver("Domain");
    const made = await driver.create(inputs());
    const first = await run();
    const disks = [{ volume: disk.state.path, generation: "another" }];
    const restarted = await driver.update(made, { ...inputs(), disks });
    expect(await run()).not.toBe(first);
    expect(await driver.drift(restarted)).toEqual([]);
    await driver.delete(restarted);
  });

  it("finds that it was stopped, edited, or undefined behind its back", async () => {
    const driver = stage.driver("Domain");
    const made = await driver.create(inputs());
    await stage.virsh("setvcpus", "vm", "2", "--config", "--maximum");
    expect(await driver.drift(made)).toEqual(["vcpus"]);
    await stage.virsh("destroy", "vm");
    await stage.virsh("setmaxmem", "vm", "64M", "--config");
    expect((await driver.drift(made)).sort()).toEqual(["memory", "running", "vcpus"]);
    const found = await driver.refresh(made);
    expect(found?.inputs).toMatchObject({ memory: 64, vcpus: 2, running: false, disks: made.inputs.disks });
    const repaired = await driver.update(found ?? made, inputs());
    expect(await driver.drift(repaired)).toEqual([]);
    await stage.virsh("suspend", "vm");
    expect(await driver.drift(repaired)).toEqual(["running"]);
    await driver.update(repaired, inputs());
    expect(await stage.virsh("domstate", "vm")).toContain("running");
    await stage.virsh("undefine", "vm");
    expect(await driver.drift(repaired)).toEqual(["gone"]);
    await driver.delete(repaired);
    expect(await stage.virsh("list", "--all", "--name")).toBe("");
  });

  it("goes on with what an interrupted creation left", async () => {
    const driver = stage.driver("Domain");
    await driver.create(inputs());
    const first = await run();
    await driver.create(inputs());
    expect(await run()).toBe(first);
    const made = await driver.create({ ...inputs(), memory: 48 });
    expect(await run()).not.toBe(first);
    await expect(stage.driver("Domain", "other").create(inputs())).rejects.toThrow(
      /a domain vm exists already and is not of this stack: rename it, or `pulumi import` it/,
    );
    await driver.delete(made);
  });

  it("is imported with all that it is", async () => {
    const driver = stage.driver("Domain");
    const made = await driver.create(inputs());
    const imported = await driver.import("vm");
    expect(imported?.id).toBe(made.id);
    expect(imported?.inputs).toMatchObject({
      name: "vm",
      memory: 32,
      running: true,
      consoleLog: inputs().consoleLog,
    });
    const first = await run();
    // Generations and libvirt's own choices are learned without a restart.
    await driver.update(imported ?? made, inputs());
    expect(await run()).toBe(first);
    await driver.delete(made);
  });

  it("has one log of its serial console", async () => {
    const driver = stage.driver("Domain");
    const made = await driver.create({ ...inputs(), machine: "pc" });
    expect(await readdir(String(stage.made.state.consoleDirectory))).toEqual(["vm.log"]);
    await driver.delete(made);
  });

  it("waits for a lease, and says where to look when there is none", async () => {
    const driver = stage.driver("Domain");
    const waiting = { ...inputs(), interfaces: [{ network: "net", waitForLease: true }], leaseTimeout: 1 };
    await expect(driver.create(waiting)).rejects.toThrow(
      /vm got no address in net within 1 s: see its console/,
    );
    const made = await driver.create(inputs());
    await driver.delete(made);
  });

  it.each<[string, Record<string, unknown>]>([
    ["PCI devices", { hostDevices: [{ type: "pci", address: "0000:65:00.0" }] }],
    ["a vGPU of its own", { hostDevices: [{ type: "pci", address: "0000:3d:00.4", managed: false }] }],
    ["mediated devices", { hostDevices: [{ type: "mdev", uuid: "0c8a5e4e-6a43-4e8b-9d56-1f3f6d8f2b11" }] }],
    ["virtiofs mounts", { mounts: [{ source: "/srv", tag: "srv" }] }],
    ["huge pages and pinning", { hugepages: 2048, vcpus: 2, cpuPinning: [{ vcpu: 0, cpus: "0" }] }],
    [
      "NUMA nodes",
      {
        vcpus: 3,
        memory: 96,
        numaCells: [
          { cpus: "0-1", memory: 64 },
          { cpus: "2", memory: 32 },
        ],
      },
    ],
    [
      "a processor model",
      {
        vcpus: 2,
        cpu: {
          mode: "custom",
          model: "Nehalem",
          features: [{ name: "aes" }],
          topology: { sockets: 1, cores: 2, threads: 1 },
        },
      },
    ],
    [
      "direct kernel boot",
      { boot: { kernel: "/boot/vmlinuz", initrd: "/boot/initrd", cmdline: "root=/dev/vda ro" } },
    ],
    [
      "a CD-ROM and a SCSI disk",
      {
        disks: [
          { volume: "/a.iso", format: "raw", device: "cdrom" },
          { volume: "/b", bus: "scsi" },
        ],
      },
    ],
    ["an IDE disk", { machine: "pc", disks: [{ volume: "/b", bus: "ide", cache: "unsafe", serial: "x" }] }],
  ])("is defined with %s, without drift", async (_what, extra) => {
    const driver = stage.driver("Domain", "defined");
    const made = await driver.create({ ...inputs(), ...extra, name: "defined", running: false });
    expect(await driver.drift(made)).toEqual([]);
    const imported = await driver.import("defined");
    for (const [key, value] of Object.entries(extra)) {
      if (key !== "machine") expect(imported?.inputs[key]).toMatchObject(Object(value) as object);
    }
    await driver.delete(made);
  });

  it("lists the host's devices, and says why none can be given away", async () => {
    const { Provider } = await import("../../../providers/framework/provider.ts");
    const { libvirt } = await import("../../../providers/libvirt/provider.ts");
    const provider = new Provider(libvirt);
    provider.configure({ uri: stage.uri });
    const operation = { urn: "", log: () => undefined, signal: new AbortController().signal };
    const { result } = await provider.invoke("libvirt:index:hostDevices", {}, operation);
    expect(result).toMatchObject({
      devices: expect.any(Array) as unknown[],
      iommu: expect.any(Boolean) as boolean,
    });
    expect(result.iommu === true || result.reason !== "").toBe(true);
  });
});
