import { arch } from "node:process";
import { z } from "zod";
import { absolutePathSchema, formatSchema, macSchema, nameSchema } from "./schemas.ts";

/** A disk or CD-ROM of a machine. */
export interface DomainDisk {
  /** Path of the volume on libvirt's host. */
  volume: string;
  /** The volume's `generation`: when its content was made anew, the machine restarts. */
  generation?: string | undefined;
  /** `qcow2` by default. */
  format: "qcow2" | "raw";
  /** `virtio` by default, `sata` for a CD-ROM. */
  bus: "virtio" | "scsi" | "sata" | "ide" | "usb";
  /** `disk` by default. */
  device: "disk" | "cdrom";
  /** A CD-ROM always is; default false. */
  readonly: boolean;
  /** Serial number that the guest sees below /dev/disk/by-id; none by default. */
  serial?: string | undefined;
  /** QEMU's cache mode; default is QEMU's, `writeback`. `unsafe` ignores flushes: for machines that may be lost. */
  cache?: "none" | "writeback" | "writethrough" | "directsync" | "unsafe" | undefined;
}

/** A network interface of a machine. */
export interface DomainInterface {
  /** Name of a libvirt network. */
  network: string;
  /** Default is made from the machine's UUID, the same at every start. */
  mac?: string | undefined;
  /** `virtio` by default. */
  model: string;
  /** Whether `up` waits until DHCP has given it an address; default false. */
  waitForLease: boolean;
}

/** A folder of the host that the guest mounts with `mount -t virtiofs <tag>`. */
export interface DomainMount {
  source: string;
  tag: string;
}

/** A device of the host that the machine gets. */
export type DomainHostDevice =
  | {
      type: "pci";
      /** `0000:65:00.0`, as lspci -D prints it. */
      address: string;
      /** Whether libvirt takes it from its driver and gives it back; default true. */
      managed: boolean;
    }
  | {
      type: "mdev";
      /** UUID of the mediated device. */
      uuid: string;
    };

/** The processor that the guest sees. */
export interface DomainCpu {
  mode: "host-passthrough" | "host-model" | "maximum" | "custom";
  /** QEMU's name of a model, `Nehalem`; with `custom` only. */
  model?: string | undefined;
  features: { name: string; policy: "require" | "disable" | "optional" | "forbid" | "force" }[];
  topology?: { sockets: number; cores: number; threads: number } | undefined;
}

/** A NUMA node that the guest sees. */
export interface DomainNumaCell {
  /** Its virtual processors: `0-3`. */
  cpus: string;
  /** MiB. */
  memory: number;
}

/** What a virtual machine is made from. */
export interface DomainInputs {
  /** libvirt's name for it. */
  name: string;
  /** `kvm` where it works, `qemu` for software emulation. */
  type: "kvm" | "qemu";
  /** Default is this host's. */
  arch: "x86_64" | "aarch64";
  /** QEMU's machine type; default `q35` on x86_64 and `virt` on aarch64. */
  machine?: string | undefined;
  /** Default `bios`. UEFI variables are kept by libvirt and go with the machine. */
  firmware: "bios" | "uefi";
  /** Number of virtual processors. */
  vcpus: number;
  /** MiB. */
  memory: number;
  /** Default `host-passthrough` with KVM, and QEMU's own default without. */
  cpu?: DomainCpu | undefined;
  /** NUMA nodes that the guest sees; none, and so one, by default. */
  numaCells: DomainNumaCell[];
  /** Boots this kernel directly, with paths on libvirt's host; default is to boot from the first disk. */
  boot?: { kernel: string; initrd?: string | undefined; cmdline: string } | undefined;
  disks: DomainDisk[];
  interfaces: DomainInterface[];
  mounts: DomainMount[];
  hostDevices: DomainHostDevice[];
  /** File on libvirt's host that the serial console is logged to; none by default. */
  consoleLog?: string | undefined;
  /** Size in KiB of the huge pages that its memory lies in, 2048 or 1048576 on x86_64; none by default. */
  hugepages?: number | undefined;
  /** Whether its memory is a file that other processes can map, as with any mount; default false. */
  sharedMemory: boolean;
  /** Host processors for virtual ones: `{ vcpu: 0, cpus: "2-3" }`; none by default. */
  cpuPinning: { vcpu: number; cpus: string }[];
  /** Started with libvirtd; default false. */
  autostart: boolean;
  /** Whether it runs; default true. */
  running: boolean;
  /** Seconds that a guest gets to shut down before it is powered off; default 30. */
  shutdownTimeout: number;
  /** Seconds to wait for leases; default 300. */
  leaseTimeout: number;
}

const diskSchema = z
  .strictObject({
    volume: absolutePathSchema,
    generation: z.string().optional(),
    format: formatSchema.default("qcow2"),
    bus: z.enum(["virtio", "scsi", "sata", "ide", "usb"]).optional(),
    device: z.enum(["disk", "cdrom"]).default("disk"),
    readonly: z.boolean().optional(),
    serial: z.string().min(1).max(20).optional(),
    cache: z.enum(["none", "writeback", "writethrough", "directsync", "unsafe"]).optional(),
  })
  .transform((disk): DomainDisk => ({
    ...disk,
    bus: disk.bus ?? (disk.device === "cdrom" ? "sata" : "virtio"),
    readonly: disk.readonly ?? disk.device === "cdrom",
  }));

const hostDeviceSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("pci"),
    address: z
      .string()
      .regex(
        /^[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]$/,
        "must be a PCI address such as 0000:65:00.0",
      )
      .transform((address) => address.toLowerCase()),
    managed: z.boolean().default(true),
  }),
  z.strictObject({ type: z.literal("mdev"), uuid: z.uuid("must be a UUID") }),
]);

const cpuSchema = z.strictObject({
  mode: z.enum(["host-passthrough", "host-model", "maximum", "custom"]),
  model: z.string().min(1).optional(),
  features: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        policy: z.enum(["require", "disable", "optional", "forbid", "force"]).default("require"),
      }),
    )
    .default([]),
  topology: z
    .strictObject({ sockets: z.int().positive(), cores: z.int().positive(), threads: z.int().positive() })
    .optional(),
});

const cpuListSchema = z
  .string()
  .regex(/^\^?\d+(-\d+)?(,\^?\d+(-\d+)?)*$/, "must be a list of processors such as 0-3,8");

export const domainSchemas = {
  name: nameSchema,
  type: z.enum(["kvm", "qemu"]),
  arch: z.enum(["x86_64", "aarch64"]).default(arch === "arm64" ? "aarch64" : "x86_64"),
  machine: z.string().min(1).optional(),
  firmware: z.enum(["bios", "uefi"]).default("bios"),
  vcpus: z.int().positive().max(1024),
  memory: z.int().min(16),
  cpu: cpuSchema.optional(),
  numaCells: z.array(z.strictObject({ cpus: cpuListSchema, memory: z.int().positive() })).default([]),
  boot: z
    .strictObject({
      kernel: absolutePathSchema,
      initrd: absolutePathSchema.optional(),
      cmdline: z.string(),
    })
    .optional(),
  disks: z.array(diskSchema).default([]),
  interfaces: z
    .array(
      z.strictObject({
        network: nameSchema,
        mac: macSchema.optional(),
        model: z.string().min(1).default("virtio"),
        waitForLease: z.boolean().default(false),
      }),
    )
    .default([]),
  mounts: z
    .array(
      z.strictObject({
        source: absolutePathSchema,
        // The virtio-fs device has 36 bytes for it.
        tag: z.string().regex(/^[^\s,]{1,36}$/, "must be 1 to 36 characters without spaces or commas"),
      }),
    )
    .default([]),
  hostDevices: z.array(hostDeviceSchema).default([]),
  consoleLog: absolutePathSchema.optional(),
  hugepages: z
    .literal([64, 2048, 32_768, 524_288, 1_048_576], "must be a page size in KiB, such as 2048 or 1048576")
    .optional(),
  sharedMemory: z.boolean().default(false),
  cpuPinning: z.array(z.strictObject({ vcpu: z.int().nonnegative(), cpus: cpuListSchema })).default([]),
  autostart: z.boolean().default(false),
  running: z.boolean().default(true),
  shutdownTimeout: z.int().nonnegative().default(30),
  leaseTimeout: z.int().positive().default(300),
};
