import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeHost } from "../../support/fake-host.ts";

const run = resolve(import.meta.dirname, "../../../ansible/run");
const HUGE_PAGES = "sys/kernel/mm/hugepages";
const GPU = "0000:17:00.0";
const AUDIO = "0000:17:00.1";
const DISPLAY = "0000:03:00.0";

const NVME = "0000:18:00.0";
const SATA = "0000:19:00.0";
const NETWORK = "0000:1a:00.0";

let host: FakeHost;

beforeEach(() => {
  host = new FakeHost();
  const behind = "0000:16:01.0";
  host.device({ address: behind, group: "14", driver: "pcieport", kind: "0x060400" });
  host.device({ address: GPU, group: "14", driver: "nvidia", kind: "0x030000", bridge: behind });
  host.device({ address: AUDIO, group: "14", driver: "snd_hda_intel", kind: "0x040300", bridge: behind });
  const display = host.device({ address: DISPLAY, group: "2", driver: "nvidia", kind: "0x030000" });
  host.write(`${display}/boot_vga`, "1\n");
});

afterEach(() => {
  host.remove();
});

async function play(
  devices: readonly object[],
  more: Readonly<Record<string, unknown>> = {},
  playbook = "host-devices",
) {
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
  const said = await execa(run, [playbook], {
    env: { AI_HOW_INVENTORY: "-" },
    input: JSON.stringify(inventory),
    all: true,
    reject: false,
  });
  return { failed: said.failed, changed: /^recap .* changed=(\d+)/m.exec(said.all)?.[1], output: said.all };
}

describe("playbook host-devices", () => {
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
      `ACTION=="add", SUBSYSTEM=="pci", KERNEL=="${GPU}", DEVPATH=="/devices/pci0000:00/0000:16:01.0/${GPU}", ATTR{vendor}=="0x10de", ATTR{device}=="0x20b5", ATTR{driver_override}="vfio-pci"\n`,
    );
    expect(host.hugePages(), "8 of 2 MiB were somebody else's").toEqual([108, 3]);
    expect(await readFile(host.path("etc/tmpfiles.d/60-ai-how-huge-pages-1048576.conf"), "utf8")).toBe(
      "w /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages - - - - 3\n",
    );
    expect(await play(both, pages)).toMatchObject({ failed: false, changed: "0" });

    expect(await play([])).toMatchObject({ failed: false, changed: "2" });
    expect([host.driver(GPU), host.driver(AUDIO)]).toEqual(["nvidia", "snd_hda_intel"]);
    expect(host.hugePages()).toEqual([8, 0]);
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
    host.machine("4711", "somebody", "2");
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
    host.machine("4711", "ws-compute-01", "2");
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

  it("takes no device from a driver while a program uses it: the kernel would wait for ever", async () => {
    host.write(`proc/driver/nvidia/gpus/${GPU}/information`, "Model: fake\nDevice Minor: 3\n");
    host.process("900", "/usr/bin/nvidia-persistenced --user", { files: ["/dev/nvidia3"] });
    const said = await play([{ address: GPU }, { address: AUDIO }]);
    expect(said.output).toContain(`${GPU}: is in use by /usr/bin/nvidia-persistenced (900); stop it first`);
    expect(host.driver(GPU)).toBe("nvidia");
  });

  it("binds for the next boot what the kernel itself has open, and asks for a reboot", async () => {
    host.write("sys/module/nvidia_drm/parameters/modeset", "Y\n");
    const devices = [{ address: GPU }, { address: AUDIO }];
    for (const attempt of ["at first", "again"]) {
      const said = await play(devices);
      expect(said.failed, attempt).toBe(true);
      expect(said.output).toContain(
        `${GPU}: its driver nvidia cannot let go of it, as nvidia_drm has it open (modeset); it is bound to vfio-pci at the next boot: reboot this machine, then run \`ai-how up\` again`,
      );
      expect([host.driver(GPU), host.driver(AUDIO)]).toEqual(["nvidia", "vfio-pci"]);
      expect(host.read("etc/udev/rules.d/10-ai-how-vfio-ws.rules")).toContain(GPU);
    }
  });

  it("says so when a driver does not let go, instead of waiting with it", async () => {
    // A pipe that nobody reads: whoever writes to it waits for ever, as in the kernel.
    await execa("mkfifo", [host.path("sys/bus/pci/drivers/snd_hda_intel/unbind")]);
    const said = await play([{ address: GPU }, { address: AUDIO }], { nvidia_vfio_patience: 1 });
    expect(said.failed).toBe(true);
    expect(said.output).toContain(
      "unbind: the kernel has not answered in 1 s; reboot this machine, the binding is written for its next boot",
    );
  });

  it("makes the initramfs anew until that has worked once", async () => {
    const program = "usr/sbin/update-initramfs";
    await mkdir(host.path("etc/initramfs-tools/scripts/init-top"), { recursive: true });
    host.write(
      program,
      `#!/bin/sh\necho "$@" >>${host.path("calls")}\necho no space left >&2\nexit 1\n`,
      0o755,
    );
    const both = [{ address: GPU }, { address: AUDIO }];
    expect((await play(both)).output).toContain("no space left");
    expect(host.driver(GPU), "nothing is taken that the next boot would give to another driver").toBe(
      "nvidia",
    );
    host.write(program, `#!/bin/sh\necho "$@" >>${host.path("calls")}\n`, 0o755);
    expect(await play(both)).toMatchObject({ failed: false });
    expect(await play(both)).toMatchObject({ failed: false, changed: "0" });
    expect(host.read("calls")).toBe("-u -k all\n-u -k all\n");
    expect(host.driver(GPU)).toBe("vfio-pci");
  });

  it("leaves a device alone that has come to a claimed address: at boot, at the next run, and when it gives back", async () => {
    const scripts = "etc/initramfs-tools/scripts/init-top";
    await mkdir(host.path(scripts), { recursive: true });
    host.device({ address: NVME, group: "18", driver: "nvme", kind: "0x010802", id: "144d:a80a" });
    expect(await play([{ address: NVME }])).toMatchObject({ failed: false });

    // A card more, and the bus has other numbers: the same model of disk, from another slot, has the address now.
    await rm(host.path("sys/bus/pci/devices", NVME));
    await rm(host.path(host.devicePath({ address: NVME })), { recursive: true });
    await rm(host.path("sys/kernel/iommu_groups/18"), { recursive: true });
    const root = host.device({
      ...{ address: NVME, group: "18", driver: "nvme", kind: "0x010802", id: "144d:a80a" },
      bridge: "0000:00:1c.4",
    });
    const boot = async (): Promise<string> => {
      const text = host.read(`${scripts}/00-ai-how-vfio-ws`).replaceAll("/sys/", host.path("sys/"));
      await execa("sh", ["-c", text]);
      return host.read(`${root}/driver_override`);
    };
    expect(await boot(), "another slot").toBe("(null)\n");
    const said = await play([{ address: NVME }]);
    expect(said.output).toContain(
      `${NVME}: is another device now, 144d:a80a at /devices/pci0000:00/0000:00:1c.4/${NVME}, than was planned, 144d:a80a at /devices/pci0000:00/${NVME}; give the file the address`,
    );
    expect(await play([])).toMatchObject({ failed: false });
    expect([host.driver(NVME), host.read(`${root}/driver_override`)]).toEqual(["nvme", "(null)\n"]);

    // Another card in the slot.
    expect(await play([{ address: NVME }])).toMatchObject({ failed: false });
    host.write(`${root}/driver_override`, "(null)\n");
    expect(await boot(), "as planned").toBe("vfio-pci\n");
    host.write(`${root}/driver_override`, "(null)\n");
    host.write(`${root}/device`, "0xa80b\n");
    expect(await boot(), "another model").toBe("(null)\n");
  });
});

describe("what this host lives on is never taken", () => {
  const disk = () =>
    host.device({ address: NVME, group: "18", driver: "nvme", kind: "0x010802", id: "144d:a80a" });
  const controller = () =>
    host.device({ address: SATA, group: "19", driver: "ahci", kind: "0x010601", id: "8086:a352" });
  const card = () =>
    host.device({ address: NETWORK, group: "26", driver: "ixgbe", kind: "0x020000", id: "8086:1528" });

  const lives: Readonly<Record<string, readonly [make: () => void, address: string, said: string]>> = {
    "a disk with LVM below /": [
      () => {
        const at = `${disk()}/nvme/nvme0/nvme0n1`;
        host.block(at);
        host.block(`${at}/nvme0n1p3`);
        const root = host.mapped("dm-0", ["nvme0n1p3"], "vg-root");
        host.process("1", "/sbin/init", { mounts: [[root, "/", "/dev/mapper/vg-root"]] });
      },
      NVME,
      "is in use: /dev/dm-0, which lies on /dev/nvme0n1p3, is mounted on /",
    ],
    "a disk with swap in LVM in LUKS": [
      () => {
        const at = `${disk()}/nvme/nvme0/nvme0n1`;
        host.block(at);
        host.block(`${at}/nvme0n1p2`);
        host.mapped("dm-0", ["nvme0n1p2"], "luks-1234");
        host.mapped("dm-1", ["dm-0"], "vg-swap");
        host.write("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/dm-1 partition 8388604 0 -2\n");
      },
      NVME,
      "is in use: /dev/dm-1, which lies on /dev/dm-0, is swap space",
    ],
    "a controller whose disk is in a RAID that only a service sees mounted": [
      () => {
        const at = `${controller()}/ata1/host0/target0:0:0/0:0:0:0/block/sda`;
        host.block(at);
        host.block(`${at}/sda1`);
        const raid = host.mapped("md0", ["sda1"]);
        host.process("1", "/sbin/init");
        host.process("77", "/usr/sbin/backupd", { mounts: [[raid, "/srv", "/dev/md0"]] });
      },
      SATA,
      "is in use: /dev/md0, which lies on /dev/sda1, is mounted on /srv by /usr/sbin/backupd (77)",
    ],
    "a disk of an imported ZFS pool": [
      () => {
        const at = `${controller()}/ata1/host0/target0:0:0/0:0:0:0/block/sdb`;
        host.block(at);
        host.block(`${at}/sdb1`, { fileSystem: "zfs_member", label: "tank" });
        host.write("proc/spl/kstat/zfs/tank/state", "ONLINE\n");
      },
      SATA,
      "is in use: /dev/sdb1 is part of the ZFS pool tank",
    ],
    "the second disk of a mounted Btrfs": [
      () => {
        host.block(`${disk()}/nvme/nvme1/nvme1n1`);
        host.process("1", "/sbin/init", { mounts: [["0:33", "/data", "/dev/sdz"]] });
        host.link("sys/fs/btrfs/0b0f/devices/nvme1n1", "sys/class/block/nvme1n1");
      },
      NVME,
      "is in use: /dev/nvme1n1 is part of a mounted Btrfs",
    ],
    "a disk with two paths, which belongs to neither": [
      () => {
        const at = `${disk()}/nvme/nvme2`;
        host.write(`${at}/uevent`, "DEVNAME=nvme2\n");
        host.link(`${at}/subsystem`, "sys/class/nvme");
        const head = "sys/devices/virtual/nvme-subsystem/nvme-subsys2";
        const number = host.block(`${head}/nvme2n1`);
        host.link(`${head}/nvme2`, at);
        host.link("sys/class/nvme-subsystem/nvme-subsys2", head);
        host.process("1", "/sbin/init", { mounts: [[number, "/var", "/dev/nvme2n1"]] });
      },
      NVME,
      "is in use: /dev/nvme2n1 is mounted on /var",
    ],
    "a logical volume that nobody has mounted": [
      () => {
        host.block(`${disk()}/nvme/nvme0/nvme0n1`);
        host.mapped("dm-4", ["nvme0n1"], "vg-machines");
      },
      NVME,
      "is in use: /dev/nvme0n1 is held by dm-4 (vg-machines)",
    ],
    "a USB controller with the disk that the host has started from": [
      () => {
        const at = `${controller()}/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdc`;
        host.block(at);
        const number = host.block(`${at}/sdc2`);
        host.process("1", "/sbin/init", { mounts: [[number, "/boot", "/dev/sdc2"]] });
      },
      SATA,
      "is in use: /dev/sdc2 is mounted on /boot",
    ],
    "an interface that is up": [
      () => {
        host.net(`${card()}/net/eno1`, "up");
      },
      NETWORK,
      "is in use: it is the network interface eno1, which is up",
    ],
    "the idle half of a bond that a bridge is on": [
      () => {
        host.net("sys/devices/virtual/net/br0", "up");
        host.net("sys/devices/virtual/net/bond0", "down", ["br0"]);
        host.net(`${card()}/net/eno2`, "down", ["bond0"]);
      },
      NETWORK,
      "is in use: its network interface eno2 is part of br0, which is up",
    ],
    "a card whose virtual functions are there": [
      () => {
        host.write(`${card()}/sriov_numvfs`, "4\n");
      },
      NETWORK,
      "is in use: 4 virtual functions of it are there; remove them first",
    ],
    "the GPU with the console's framebuffer": [
      () => {
        const at = host.device({
          ...{ address: NETWORK, group: "26", driver: "amdgpu", kind: "0x038000", id: "1002:73bf" },
        });
        host.write(`${at}/graphics/fb0/uevent`, "DEVNAME=fb0\n");
        host.write("sys/class/vtconsole/vtcon1/bind", "1\n");
        host.write("sys/class/vtconsole/vtcon1/name", "(M) frame buffer device\n");
      },
      NETWORK,
      "has this host's console on fb0; take another GPU, or allow it to be taken",
    ],
    "the GPU that a monitor is on": [
      () => {
        const at = host.device({
          ...{ address: NETWORK, group: "26", driver: "amdgpu", kind: "0x030000", id: "1002:73bf" },
        });
        host.write(`${at}/drm/card1/card1-DP-2/enabled`, "enabled\n");
        host.write(`${at}/drm/card1/card1-DP-2/uevent`, "");
        host.link(`${at}/drm/card1/card1-DP-2/subsystem`, "sys/class/drm");
      },
      NETWORK,
      "shows something on card1-DP-2; take another GPU, or allow it to be taken",
    ],
    "a bridge with everything behind it": [
      () => {
        host.device({ address: NVME, group: "18", driver: "pcieport", kind: "0x060400", id: "8086:2030" });
      },
      NVME,
      "is a bridge, which vfio-pci cannot have; list the devices behind it",
    ],
  };

  it.each(Object.entries(lives))("%s", async (_name, [make, address, said]) => {
    make();
    const before = host.driver(address);
    const result = await play([{ address }]);
    expect(result.failed).toBe(true);
    expect(result.output).toContain(`${address}: ${said}`);
    expect(host.driver(address)).toBe(before);
    expect(host.read(`sys/bus/pci/devices/${address}/driver_override`)).toBe("(null)\n");
    expect(existsSync(host.path("etc"))).toBe(false);
  });

  it("takes a disk that nothing is on, and a card that is down", async () => {
    host.block(`${disk()}/nvme/nvme0/nvme0n1`);
    host.net(`${card()}/net/eno1`, "down");
    host.process("1", "/sbin/init", { mounts: [["8:1", "/", "/dev/sda1"]] });
    expect(await play([{ address: NVME }, { address: NETWORK }])).toMatchObject({ failed: false });
    expect([host.driver(NVME), host.driver(NETWORK)]).toEqual(["vfio-pci", "vfio-pci"]);
  });
});

describe("playbook host-devices-trial", () => {
  const both = [{ address: GPU }, { address: AUDIO }];
  async function trial(devices: readonly object[]) {
    const report = host.path("trials.json");
    const more = { nvidia_vfio_report: report, nvidia_vfio_patience: 1 };
    const said = await play(devices, more, "host-devices-trial");
    expect(said, said.output).toMatchObject({ failed: false });
    return JSON.parse(await readFile(report, "utf8")) as unknown;
  }

  it("binds each device and gives it back, and writes nothing for the next boot", async () => {
    const good = { problems: [], held: "", seconds: expect.any(Number) as number };
    expect(await trial(both)).toEqual([
      { address: GPU, ...good },
      { address: AUDIO, ...good },
    ]);
    expect([host.driver(GPU), host.driver(AUDIO)]).toEqual(["nvidia", "snd_hda_intel"]);
    expect(existsSync(host.path("etc"))).toBe(false);
  });

  it("tries nothing that the host lives on or the kernel has open, and says what does not let go", async () => {
    host.write("sys/module/nvidia_drm/parameters/modeset", "Y\n");
    await execa("mkfifo", [host.path("sys/bus/pci/drivers/snd_hda_intel/unbind")]);
    const disk = host.device({ address: NVME, group: "18", driver: "nvme", kind: "0x010802" });
    const number = host.block(`${disk}/nvme/nvme0/nvme0n1`);
    host.process("1", "/sbin/init", { mounts: [[number, "/", "/dev/nvme0n1"]] });
    expect(await trial([...both, { address: NVME }])).toMatchObject([
      { address: GPU, held: "nvidia_drm has it open (modeset)", seconds: null },
      { address: AUDIO, seconds: null },
      { address: NVME, problems: ["is in use: /dev/nvme0n1 is mounted on /"], seconds: null },
    ]);
    expect(host.driver(NVME)).toBe("nvme");
  });
});
