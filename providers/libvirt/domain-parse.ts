import type {
  DomainCpu,
  DomainDisk,
  DomainHostDevice,
  DomainInputs,
  DomainInterface,
} from "./domain-inputs.ts";
import type { Xml } from "./xml.ts";

/** Inputs that a machine's XML does not contain. */
type Outside = "autostart" | "running" | "shutdownTimeout" | "leaseTimeout";

/** Parses a machine's XML into inputs. */
export function parseDomain(domain: Xml): Omit<DomainInputs, Outside> {
  const os = domain.child("os");
  const type = os?.child("type");
  const devices = domain.child("devices");
  const cpu = parseCpu(domain.child("cpu"));
  const boot = parseBoot(os);
  const log = devices?.child("serial", "log")?.attribute("file");
  const memory = domain.child("memory");
  const page = domain.child("memoryBacking", "hugepages", "page");
  const mounts = (devices?.children("filesystem") ?? []).map((mount) => ({
    source: mount.child("source")?.attribute("dir") ?? "",
    tag: mount.child("target")?.attribute("dir") ?? "",
  }));
  return {
    name: domain.child("name")?.text ?? "",
    type: domain.attribute("type") === "kvm" ? "kvm" : "qemu",
    arch: type?.attribute("arch") === "aarch64" ? "aarch64" : "x86_64",
    machine: type?.attribute("machine") ?? "",
    firmware: os?.attribute("firmware") === "efi" || os?.child("loader") !== undefined ? "uefi" : "bios",
    vcpus: Number(domain.child("vcpu")?.text ?? "1"),
    memory: mebibytes(memory?.text, memory?.attribute("unit")),
    ...(cpu === undefined ? {} : { cpu }),
    numaCells: (domain.child("cpu", "numa")?.children("cell") ?? []).map((cell) => ({
      cpus: cell.attribute("cpus") ?? "",
      memory: mebibytes(cell.attribute("memory"), cell.attribute("unit")),
    })),
    ...(boot === undefined ? {} : { boot }),
    disks: (devices?.children("disk") ?? []).map(parseDisk),
    interfaces: (devices?.children("interface") ?? []).map(parseInterface),
    mounts,
    hostDevices: (devices?.children("hostdev") ?? []).flatMap(parseHostDevice),
    ...(log === undefined ? {} : { consoleLog: log }),
    ...(page === undefined ? {} : { hugepages: Number(page.attribute("size") ?? "0") }),
    // Mounts imply it.
    sharedMemory:
      mounts.length === 0 && domain.child("memoryBacking", "access")?.attribute("mode") === "shared",
    cpuPinning: (domain.child("cputune")?.children("vcpupin") ?? []).map((pin) => ({
      vcpu: Number(pin.attribute("vcpu")),
      cpus: pin.attribute("cpuset") ?? "",
    })),
  };
}

/** libvirt writes sizes in KiB, but accepts any unit. */
function mebibytes(size: string | undefined, unit = "KiB"): number {
  const factors: Readonly<Record<string, number>> = {
    b: 1 / 1_048_576,
    bytes: 1 / 1_048_576,
    KiB: 1 / 1024,
    MiB: 1,
    GiB: 1024,
  };
  return Number(size ?? "0") * (factors[unit] ?? 1 / 1024);
}

function parseCpu(cpu: Xml | undefined): DomainCpu | undefined {
  const mode = cpu?.attribute("mode") ?? (cpu?.child("model") === undefined ? undefined : "custom");
  const topology = cpu?.child("topology");
  if (cpu === undefined || (mode === undefined && topology === undefined)) return undefined;
  const model = cpu.child("model")?.text;
  const modes = ["host-passthrough", "host-model", "maximum"] as const;
  const policies = ["disable", "optional", "forbid", "force"] as const;
  return {
    mode: modes.find((known) => known === mode) ?? "custom",
    ...(model === undefined ? {} : { model }),
    features: cpu.children("feature").map((feature) => ({
      name: feature.attribute("name") ?? "",
      policy: policies.find((known) => known === feature.attribute("policy")) ?? "require",
    })),
    ...(topology === undefined
      ? {}
      : {
          topology: {
            sockets: Number(topology.attribute("sockets") ?? "1") * Number(topology.attribute("dies") ?? "1"),
            cores: Number(topology.attribute("cores") ?? "1"),
            threads: Number(topology.attribute("threads") ?? "1"),
          },
        }),
  };
}

function parseBoot(os: Xml | undefined): DomainInputs["boot"] {
  const kernel = os?.child("kernel")?.text;
  if (kernel === undefined) return undefined;
  const initrd = os?.child("initrd")?.text;
  return {
    kernel,
    ...(initrd === undefined ? {} : { initrd }),
    cmdline: os?.child("cmdline")?.text ?? "",
  };
}

function parseDisk(disk: Xml): DomainDisk {
  const buses = ["scsi", "sata", "ide", "usb"] as const;
  const caches = ["none", "writeback", "writethrough", "directsync", "unsafe"] as const;
  const cache = caches.find((known) => known === disk.child("driver")?.attribute("cache"));
  const serial = disk.child("serial")?.text;
  return {
    volume: disk.child("source")?.attribute("file") ?? "",
    format: disk.child("driver")?.attribute("type") === "qcow2" ? "qcow2" : "raw",
    bus: buses.find((known) => known === disk.child("target")?.attribute("bus")) ?? "virtio",
    device: disk.attribute("device") === "cdrom" ? "cdrom" : "disk",
    readonly: disk.child("readonly") !== undefined,
    ...(serial === undefined ? {} : { serial }),
    ...(cache === undefined ? {} : { cache }),
  };
}

function parseInterface(each: Xml): DomainInterface {
  return {
    network: each.child("source")?.attribute("network") ?? "",
    mac: (each.child("mac")?.attribute("address") ?? "").toLowerCase(),
    model: each.child("model")?.attribute("type") ?? "",
    waitForLease: false,
  };
}

function parseHostDevice(device: Xml): DomainHostDevice[] {
  const address = device.child("source", "address");
  if (device.attribute("type") === "mdev") return [{ type: "mdev", uuid: address?.attribute("uuid") ?? "" }];
  if (device.attribute("type") !== "pci") return [];
  const digits = (name: string, width: number) =>
    Number(address?.attribute(name) ?? "0")
      .toString(16)
      .padStart(width, "0");
  return [
    {
      type: "pci",
      address: `${digits("domain", 4)}:${digits("bus", 2)}:${digits("slot", 2)}.${digits("function", 1)}`,
      managed: device.attribute("managed") === "yes",
    },
  ];
}
