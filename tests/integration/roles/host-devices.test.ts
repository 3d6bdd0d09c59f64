import { existsSync, readFileSync, readlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const run = resolve(import.meta.dirname, "../../../ansible/run");
const HUGE_PAGES = "sys/kernel/mm/hugepages";
const GPU = "0000:17:00.0";
const AUDIO = "0000:17:00.1";
const DISPLAY = "0000:03:00.0";

/** A fake of the host's /sys, /proc and /etc, with a fake kernel that does what it is asked to through them. */
class FakeHost {
  root = "";
  #kernel: NodeJS.Timeout | undefined;

  async make(): Promise<void> {
    this.root = await mkdtemp(join(tmpdir(), "ai-how-fake-host-"));
    for (const driver of ["vfio-pci", "nvidia", "snd_hda_intel", "pcieport"])
      await mkdir(this.path("sys/bus/pci/drivers", driver), { recursive: true });
    for (const [size, count] of [
      ["2048", 8],
      ["1048576", 0],
    ] as const) {
      await mkdir(this.path(HUGE_PAGES, `hugepages-${size}kB`), { recursive: true });
      await writeFile(this.path(HUGE_PAGES, `hugepages-${size}kB`, "nr_hugepages"), `${count}\n`);
    }
    await writeFile(this.path("sys/bus/pci/drivers_probe"), "");
    await this.device("0000:16:01.0", "14", "pcieport", "0x060400");
    await this.device(GPU, "14", "nvidia", "0x030000");
    await this.device(AUDIO, "14", "snd_hda_intel", "0x040300");
    await this.device(DISPLAY, "2", "nvidia", "0x030000");
    await writeFile(this.path("sys/bus/pci/devices", DISPLAY, "boot_vga"), "1\n");
    this.#kernel = setInterval(() => {
      this.#work();
    }, 10);
  }

  async remove(): Promise<void> {
    clearInterval(this.#kernel);
    await rm(this.root, { recursive: true, force: true });
  }

  /** How many the kernel has, of 2 MiB and of 1 GiB. */
  async hugePages(): Promise<number[]> {
    const files = ["2048", "1048576"].map((size) =>
      readFile(this.path(HUGE_PAGES, `hugepages-${size}kB`, "nr_hugepages"), "utf8"),
    );
    return (await Promise.all(files)).map(Number);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  driver(address: string): string {
    const link = this.path("sys/bus/pci/devices", address, "driver");
    return existsSync(link) ? basename(readlinkSync(link)) : "";
  }

  async device(address: string, group: string, driver: string, kind: string): Promise<void> {
    const device = this.path("sys/bus/pci/devices", address);
    const members = this.path("sys/kernel/iommu_groups", group, "devices");
    await mkdir(members, { recursive: true });
    await mkdir(device, { recursive: true });
    await writeFile(join(device, "class"), `${kind}\n`);
    await writeFile(join(device, "driver_override"), "(null)\n");
    await writeFile(join(device, "own_driver"), driver);
    await symlink(this.path("sys/kernel/iommu_groups", group), join(device, "iommu_group"));
    await symlink(device, join(members, address));
    await symlink(this.path("sys/bus/pci/drivers", driver), join(device, "driver"));
  }

  /** A VM that has a group open. */
  async machine(pid: string, name: string, group: string): Promise<void> {
    await mkdir(this.path("proc", pid, "fd"), { recursive: true });
    await symlink(`/dev/vfio/${group}`, this.path("proc", pid, "fd", "9"));
    await writeFile(
      this.path("proc", pid, "cmdline"),
      `qemu-system-x86_64\0-name\0guest=${name},debug-threads=on\0`,
    );
  }

  #work(): void {
    const probe = this.path("sys/bus/pci/drivers_probe");
    const address = readFileSync(probe, "utf8");
    if (address === "") return;
    writeFileSync(probe, "");
    const device = this.path("sys/bus/pci/devices", address);
    const wanted = readFileSync(join(device, "driver_override"), "utf8").trim();
    const driver =
      wanted === "" || wanted === "(null)" ? readFileSync(join(device, "own_driver"), "utf8") : wanted;
    unlinkSync(join(device, "driver"));
    void symlink(this.path("sys/bus/pci/drivers", driver), join(device, "driver"));
  }
}

describe("playbook host-devices", () => {
  const host = new FakeHost();
  beforeEach(() => host.make());
  afterEach(() => host.remove());

  async function play(devices: readonly object[], more: Readonly<Record<string, unknown>> = {}) {
    const vars = {
      ...{
        host_root: host.root,
        nvidia_vfio_owner: "ws",
        base_huge_pages_owner: "ws",
        nvidia_vfio_devices: devices,
      },
      ...more,
    };
    const inventory = {
      all: { hosts: ["this-host"], vars },
      _meta: { hostvars: { "this-host": { ansible_connection: "local" } } },
    };
    const said = await execa(run, ["host-devices"], {
      env: { AI_HOW_INVENTORY: "-" },
      input: JSON.stringify(inventory),
      all: true,
      reject: false,
    });
    return { failed: said.failed, changed: /^recap .* changed=(\d+)/m.exec(said.all)?.[1], output: said.all };
  }

  it("binds whole IOMMU groups for good, changes nothing the second time, and gives all of it back", async () => {
    const both = [{ address: GPU }, { address: AUDIO.toUpperCase() }];
    const pages = { base_huge_pages_2m: 100, base_huge_pages_1g: 3 };
    const bound = await play(both, pages);
    expect(bound, bound.output).toMatchObject({ failed: false, changed: "2" });
    expect([host.driver(GPU), host.driver(AUDIO), host.driver(DISPLAY)]).toEqual([
      "vfio-pci",
      "vfio-pci",
      "nvidia",
    ]);
    const rules = host.path("etc/udev/rules.d/10-ai-how-vfio-ws.rules");
    expect(await readFile(rules, "utf8")).toContain(
      `ACTION=="add", SUBSYSTEM=="pci", KERNEL=="${GPU}", ATTR{driver_override}="vfio-pci"\n`,
    );
    expect(await host.hugePages(), "8 of 2 MiB were somebody else's").toEqual([108, 3]);
    expect(await readFile(host.path("etc/tmpfiles.d/60-ai-how-huge-pages-1048576.conf"), "utf8")).toBe(
      "w /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages - - - - 3\n",
    );
    expect(await play(both, pages)).toMatchObject({ failed: false, changed: "0" });

    expect(await play([])).toMatchObject({ failed: false, changed: "2" });
    expect([host.driver(GPU), host.driver(AUDIO)]).toEqual(["nvidia", "snd_hda_intel"]);
    expect(await host.hugePages()).toEqual([8, 0]);
    for (const file of [
      "udev/rules.d/10-ai-how-vfio-ws.rules",
      "modules-load.d/ai-how-vfio.conf",
      "tmpfiles.d/60-ai-how-huge-pages-2048.conf",
      "tmpfiles.d/60-ai-how-huge-pages-1048576.conf",
    ])
      expect(existsSync(host.path("etc", file)), file).toBe(false);
  });

  it("sets no page aside where not all are to be had", async () => {
    await rm(host.path(HUGE_PAGES, "hugepages-1048576kB"), { recursive: true });
    const said = await play([], { base_huge_pages_2m: 100, base_huge_pages_1g: 3 });
    expect(said).toMatchObject({ failed: true });
    expect(said.output).toContain("this host has no huge pages of 1 GiB");
    expect(await readFile(host.path(HUGE_PAGES, "hugepages-2048kB/nr_hugepages"), "utf8")).toBe("8\n");
    expect(existsSync(host.path("etc/ai-how/huge-pages"))).toBe(false);
  });

  it("tells every problem at once, a line each, and changes nothing then", async () => {
    await host.machine("4711", "somebody", "2");
    const said = await play([{ address: GPU }, { address: DISPLAY }, { address: "0000:99:00.0" }]);
    expect(said.failed).toBe(true);
    for (const line of [
      `${GPU}: shares IOMMU group 14 with ${AUDIO}, which is not listed; list it, too`,
      `${DISPLAY}: drives this host's display; take another GPU, or allow it to be taken`,
      `${DISPLAY}: is in use by somebody`,
      "0000:99:00.0: this host has no such PCI device; `ai-how inventory pcie` lists what it has",
    ])
      expect(said.output).toContain(line);
    expect(host.driver(GPU)).toBe("nvidia");
    expect(existsSync(host.path("etc"))).toBe(false);
  });

  it("takes the display's GPU when told to, and a device that its own VM is using", async () => {
    await host.machine("4711", "ws-compute-01", "2");
    const said = await play([{ address: DISPLAY, machines: ["ws-compute-01"] }], {
      nvidia_vfio_allow_display: true,
    });
    expect(said, said.output).toMatchObject({ failed: false });
    expect(host.driver(DISPLAY)).toBe("vfio-pci");
    const back = await play([]);
    expect(back.output).toContain(
      `${DISPLAY}: is in use by ws-compute-01 and cannot be given back; stop it first`,
    );
  });

  it("says what to switch on where there is no IOMMU, and leaves other stacks' devices alone", async () => {
    await rm(host.path("sys/bus/pci/devices", DISPLAY, "iommu_group"));
    expect((await play([{ address: DISPLAY }])).output).toContain(
      "has no IOMMU group; switch on VT-d or AMD-Vi",
    );
    expect(await play([{ address: GPU }, { address: AUDIO }])).toMatchObject({ failed: false });
    const other = await play([{ address: GPU }, { address: AUDIO }], { nvidia_vfio_owner: "other" });
    expect(other.output).toContain(`${GPU}: belongs to the stack ws already`);
    expect(await play([], { nvidia_vfio_owner: "other" })).toMatchObject({ failed: false });
    expect(host.driver(GPU)).toBe("vfio-pci");
  });

  it("keeps drivers of the initramfs away, by a script that comes before udev", async () => {
    const scripts = host.path("etc/initramfs-tools/scripts/init-top");
    await mkdir(scripts, { recursive: true });
    expect(await play([{ address: GPU }, { address: AUDIO }])).toMatchObject({ failed: false });
    const [script, ...others] = await readdir(scripts);
    expect(others).toEqual([]);
    expect([script ?? "", "udev"].sort()[0]).toBe(script);
    const file = join(scripts, script ?? "");
    expect((await execa("sh", [file, "prereqs"])).stdout).toBe("");
    const text = await readFile(file, "utf8");
    // As in the initramfs, but on the fake's /sys.
    await writeFile(host.path("sys/bus/pci/devices", GPU, "driver_override"), "(null)\n");
    await execa("sh", ["-c", text.replaceAll("/sys/", host.path("sys/"))]);
    expect(await readFile(host.path("sys/bus/pci/devices", GPU, "driver_override"), "utf8")).toBe(
      "vfio-pci\n",
    );
    expect(await play([])).toMatchObject({ failed: false });
    expect(await readdir(scripts)).toEqual([]);
  });

  it("takes no device from a driver while this host uses it: the kernel would wait for ever", async () => {
    const device = host.path("sys/bus/pci/devices", GPU);
    await mkdir(host.path("proc/driver/nvidia/gpus", GPU), { recursive: true });
    await writeFile(
      host.path("proc/driver/nvidia/gpus", GPU, "information"),
      "Model: fake\nDevice Minor: 3\n",
    );
    await mkdir(host.path("proc/900/fd"), { recursive: true });
    await symlink("/dev/nvidia3", host.path("proc/900/fd/4"));
    await writeFile(host.path("proc/900/cmdline"), "/usr/bin/nvidia-persistenced\0--user\0");
    await mkdir(join(device, "nvme/nvme0/nvme0n1"), { recursive: true });
    await writeFile(join(device, "nvme/nvme0/nvme0n1/uevent"), "MAJOR=259\nDEVNAME=nvme0n1\n");
    await writeFile(host.path("proc/mounts"), "/dev/nvme0n1 /home ext4 rw 0 0\n");
    await mkdir(host.path("sys/bus/pci/devices", AUDIO, "net/eth1"), { recursive: true });
    await writeFile(host.path("sys/bus/pci/devices", AUDIO, "net/eth1/operstate"), "up\n");
    const said = await play([{ address: GPU }, { address: AUDIO }]);
    expect(said.failed).toBe(true);
    for (const line of [
      `${GPU}: is in use by /usr/bin/nvidia-persistenced (900); stop it first`,
      `${GPU}: is in use: /dev/nvme0n1 is mounted on /home`,
      `${AUDIO}: is in use: it is the network interface eth1, which is up`,
    ])
      expect(said.output).toContain(line);
    expect(host.driver(GPU)).toBe("nvidia");
  });
});
