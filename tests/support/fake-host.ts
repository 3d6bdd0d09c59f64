import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

const HUGE_PAGES = "sys/kernel/mm/hugepages";

/** A PCI device of the fake. */
export interface FakeDevice {
  readonly address: string;
  readonly group: string;
  readonly driver: string;
  /** `0x030000` */
  readonly kind: string;
  /** `10de:20b5` */
  readonly id?: string;
  /** The bridge that it is behind, `0000:16:01.0`. */
  readonly bridge?: string;
}

/** A fake of a host's /sys, /proc, /run and /etc, laid out as the kernel's own, with a fake kernel that does what it is asked to there. */
export class FakeHost {
  readonly root = mkdtempSync(join(tmpdir(), "ai-how-fake-host-"));
  #kernel: NodeJS.Timeout | undefined;
  #blocks = 0;

  constructor() {
    for (const driver of ["vfio-pci", "nvidia", "snd_hda_intel", "pcieport"])
      mkdirSync(this.path("sys/bus/pci/drivers", driver), { recursive: true });
    for (const [size, count] of [
      ["2048", 8],
      ["1048576", 0],
    ] as const)
      this.write(`${HUGE_PAGES}/hugepages-${size}kB/nr_hugepages`, `${count}\n`);
    this.write("proc/meminfo", "MemTotal:       65536000 kB\n");
    this.write("proc/mounts", "hugetlbfs /dev/hugepages1G hugetlbfs rw,pagesize=1024M 0 0\n");
    this.write("sys/bus/pci/drivers_probe", "");
    this.#kernel = setInterval(() => {
      this.#work();
    }, 10);
  }

  remove(): void {
    clearInterval(this.#kernel);
    rmSync(this.root, { recursive: true, force: true });
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  write(path: string, text: string, mode?: number): string {
    const file = this.path(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    if (mode !== undefined) chmodSync(file, mode);
    return file;
  }

  read(path: string): string {
    return readFileSync(this.path(path), "utf8");
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    symlinkSync(target.startsWith("/") ? target : this.path(target), this.path(path));
  }

  unlink(path: string): void {
    unlinkSync(this.path(path));
  }

  /** How many the kernel has, of 2 MiB and of 1 GiB. */
  hugePages(): number[] {
    return ["2048", "1048576"].map((size) =>
      Number(this.read(`${HUGE_PAGES}/hugepages-${size}kB/nr_hugepages`)),
    );
  }

  driver(address: string): string {
    const link = this.path("sys/bus/pci/devices", address, "driver");
    return existsSync(link) ? basename(readlinkSync(link)) : "";
  }

  /** Where a device is below /sys. */
  devicePath({ address, bridge }: Pick<FakeDevice, "address" | "bridge">): string {
    return join("sys/devices", `pci${address.slice(0, 4)}:00`, bridge ?? "", address);
  }

  device(device: FakeDevice): string {
    const { address, group, driver, kind, id = "10de:20b5" } = device;
    const at = this.devicePath(device);
    const [vendor, model] = id.split(":");
    this.write(`${at}/class`, `${kind}\n`);
    this.write(`${at}/vendor`, `0x${vendor}\n`);
    this.write(`${at}/device`, `0x${model}\n`);
    this.write(`${at}/driver_override`, "(null)\n");
    this.write(`${at}/own_driver`, driver);
    this.write(`${at}/uevent`, `PCI_SLOT_NAME=${address}\n`);
    this.link(`${at}/subsystem`, "sys/bus/pci");
    this.link(`sys/bus/pci/devices/${address}`, at);
    mkdirSync(this.path("sys/bus/pci/drivers", driver), { recursive: true });
    this.link(`${at}/driver`, `sys/bus/pci/drivers/${driver}`);
    if (group !== "") {
      this.link(`sys/kernel/iommu_groups/${group}/devices/${address}`, at);
      this.link(`${at}/iommu_group`, `sys/kernel/iommu_groups/${group}`);
    }
    return at;
  }

  /** A disk, partition or mapped device: at `at` below /sys, with its number, held by others. */
  block(at: string, { fileSystem, label }: { fileSystem?: string; label?: string } = {}): string {
    const name = basename(at);
    const number = `259:${this.#blocks++}`;
    this.write(`${at}/dev`, `${number}\n`);
    this.write(`${at}/uevent`, `MAJOR=259\nDEVNAME=${name}\n`);
    this.link(`${at}/subsystem`, "sys/class/block");
    this.link(`sys/class/block/${name}`, at);
    if (/(\D\d+p|sd[a-z]+)\d+$/.test(name)) this.write(`${at}/partition`, "1\n");
    if (fileSystem !== undefined)
      this.write(
        `run/udev/data/b${number}`,
        `E:ID_FS_TYPE=${fileSystem}\n${label === undefined ? "" : `E:ID_FS_LABEL=${label}\n`}`,
      );
    return number;
  }

  /** A device of the device mapper or of MD that lies on others. */
  mapped(name: string, lower: readonly string[], called?: string): string {
    const number = this.block(`sys/devices/virtual/block/${name}`);
    if (called !== undefined) this.write(`sys/class/block/${name}/dm/name`, `${called}\n`);
    for (const each of lower)
      this.link(`sys/class/block/${each}/holders/${name}`, `sys/devices/virtual/block/${name}`);
    return number;
  }

  /** A network interface at `at` below /sys, of a device or a virtual one. */
  net(at: string, state: "up" | "down", uppers: readonly string[] = []): void {
    const name = basename(at);
    this.write(`${at}/operstate`, `${state}\n`);
    this.write(`${at}/uevent`, `INTERFACE=${name}\n`);
    this.link(`${at}/subsystem`, "sys/class/net");
    this.link(`sys/class/net/${name}`, at);
    for (const upper of uppers) this.link(`${at}/upper_${upper}`, `sys/devices/virtual/net/${upper}`);
  }

  /** A process with the mounts of its namespace: [number of the device, target, source]. */
  process(
    pid: string,
    command: string,
    {
      mounts = [],
      files = [],
    }: { mounts?: readonly (readonly [string, string, string])[]; files?: readonly string[] } = {},
  ): void {
    this.write(`proc/${pid}/cmdline`, `${command.replaceAll(" ", "\0")}\0`);
    this.write(
      `proc/${pid}/mountinfo`,
      mounts
        .map(
          ([number, target, source], index) =>
            `${30 + index} 1 ${number} / ${target} rw,relatime shared:1 - ext4 ${source} rw\n`,
        )
        .join(""),
    );
    this.link(`proc/${pid}/ns/mnt`, `/mnt:[${4026531840 + Number(pid)}]`);
    mkdirSync(this.path("proc", pid, "fd"), { recursive: true });
    files.forEach((file, index) => {
      this.link(`proc/${pid}/fd/${index + 3}`, file);
    });
  }

  /** A VM that has a group open. */
  machine(pid: string, name: string, group: string): void {
    this.process(pid, `qemu-system-x86_64 -name guest=${name},debug-threads=on`, {
      files: [`/dev/vfio/${group}`],
    });
  }

  #work(): void {
    const probe = this.path("sys/bus/pci/drivers_probe");
    const address = readFileSync(probe, "utf8").trim();
    if (address === "") return;
    writeFileSync(probe, "");
    const device = this.path("sys/bus/pci/devices", address);
    const wanted = readFileSync(join(device, "driver_override"), "utf8").trim();
    const driver =
      wanted === "" || wanted === "(null)" ? readFileSync(join(device, "own_driver"), "utf8") : wanted;
    unlinkSync(join(device, "driver"));
    symlinkSync(this.path("sys/bus/pci/drivers", driver), join(device, "driver"));
  }
}
