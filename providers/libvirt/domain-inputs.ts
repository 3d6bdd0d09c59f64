import { arch } from "node:process";
import { z } from "zod";
import type { InputsOf } from "../framework/resource.ts";
import { absolutePathSchema, formatSchema, macSchema, nameSchema } from "./schemas.ts";

const diskSchema = z
  .strictObject({
    /** Path of the volume on libvirt's host. */
    volume: absolutePathSchema,
    /** The volume's `generation`: the machine restarts when it changes. */
    generation: z.string().optional(),
    /** `qcow2` by default. */
    format: formatSchema.default("qcow2"),
    /** `virtio` by default, `sata` for a CD-ROM. */
    bus: z.enum(["virtio", "scsi", "sata", "ide", "usb"]).optional(),
    /** `disk` by default. */
    device: z.enum(["disk", "cdrom"]).default("disk"),
    /** Default false; a CD-ROM always is. */
    readonly: z.boolean().optional(),
    /** Serial number that the guest sees below /dev/disk/by-id; none by default. */
    serial: z.string().min(1).max(20).optional(),
    /** QEMU's cache mode; default is QEMU's, `writeback`. `unsafe` ignores flushes: for machines that may be lost. */
    cache: z.enum(["none", "writeback", "writethrough", "directsync", "unsafe"]).optional(),
  })
  .transform((disk) => ({
    ...disk,
    bus: disk.bus ?? (disk.device === "cdrom" ? "sata" : "virtio"),
    readonly: disk.readonly ?? disk.device === "cdrom",
  }));

const interfaceSchema = z.strictObject({
  /** Name of a libvirt network. */
  network: nameSchema,
  /** Default is derived from the machine's UUID, the same at every start. */
  mac: macSchema.optional(),
  /** `virtio` by default. */
  model: z.string().min(1).default("virtio"),
  /** Whether `up` waits until DHCP has given it an address; default false. */
  waitForLease: z.boolean().default(false),
});

const mountSchema = z.strictObject({
  source: absolutePathSchema,
  /** The guest mounts it with `mount -t virtiofs TAG`. The virtio-fs device has 36 bytes for it. */
  tag: z.string().regex(/^[^\s,]{1,36}$/, "must be 1 to 36 characters without spaces or commas"),
});

const hostDeviceSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("pci"),
    /** `0000:65:00.0`, as lspci -D prints it. */
    address: z
      .string()
      .regex(
        /^[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]$/,
        "must be a PCI address such as 0000:65:00.0",
      )
      .transform((address) => address.toLowerCase()),
    /** Whether libvirt unbinds it from its driver, and binds it again afterwards; default true. */
    managed: z.boolean().default(true),
  }),
  z.strictObject({
    type: z.literal("mdev"),
    /** UUID of the mediated device. */
    uuid: z.uuid("must be a UUID"),
  }),
]);

const cpuSchema = z.strictObject({
  mode: z.enum(["host-passthrough", "host-model", "maximum", "custom"]),
  /** QEMU's name of a model, `Nehalem`; with `custom` only. */
  model: z.string().min(1).optional(),
  /** Features on top of the model; policy `require` by default. */
  features: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        policy: z.enum(["require", "disable", "optional", "forbid", "force"]).default("require"),
      }),
    )
    .default([]),
  /** Its product is `vcpus`. */
  topology: z
    .strictObject({ sockets: z.int().positive(), cores: z.int().positive(), threads: z.int().positive() })
    .optional(),
});

const cpuListSchema = z
  .string()
  .regex(/^\^?\d+(-\d+)?(,\^?\d+(-\d+)?)*$/, "must be a list of processors such as 0-3,8");

const numaCellSchema = z.strictObject({
  /** Its virtual processors: `0-3`. */
  cpus: cpuListSchema,
  /** MiB. */
  memory: z.int().positive(),
});

const bootSchema = z.strictObject({
  kernel: absolutePathSchema,
  initrd: absolutePathSchema.optional(),
  cmdline: z.string(),
});

const PAGE_SIZES = [64, 2048, 32_768, 524_288, 1_048_576];
const pageSizeProblem = "must be a page size in KiB, such as 2048 or 1048576";
const pageSizeSchema = z.number(pageSizeProblem).refine((size) => PAGE_SIZES.includes(size), pageSizeProblem);

export const domainSchemas = {
  /** libvirt's name for it. */
  name: nameSchema,
  /** `kvm` where it works, `qemu` for software emulation. */
  type: z.enum(["kvm", "qemu"]),
  /** Default is this host's. */
  arch: z.enum(["x86_64", "aarch64"]).default(arch === "arm64" ? "aarch64" : "x86_64"),
  /** QEMU's machine type; default `q35` on x86_64 and `virt` on aarch64. */
  machine: z.string().min(1).optional(),
  /** Default `bios`. libvirt keeps UEFI variables and removes them with the machine. */
  firmware: z.enum(["bios", "uefi"]).default("bios"),
  /** Number of virtual processors. */
  vcpus: z.int().positive().max(1024),
  /** MiB. */
  memory: z.int().min(16),
  /** The processor that the guest sees; default `host-passthrough` with KVM, and QEMU's own default without. */
  cpu: cpuSchema.optional(),
  /** NUMA nodes that the guest sees, processors as `0-3` and memory in MiB; none, and so one, by default. */
  numaCells: z.array(numaCellSchema).default([]),
  /** Boots this kernel directly, with paths on libvirt's host; default is to boot from the first disk. */
  boot: bootSchema.optional(),
  /** Disks and CD-ROMs; none by default. */
  disks: z.array(diskSchema).default([]),
  /** Network interfaces; none by default. */
  interfaces: z.array(interfaceSchema).default([]),
  /** Folders of the host that the guest may mount by virtio-fs; none by default. */
  mounts: z.array(mountSchema).default([]),
  /** Devices of the host for this machine: a PCI device by address, a mediated device by UUID; none by default. */
  hostDevices: z.array(hostDeviceSchema).default([]),
  /** File on libvirt's host that the serial console is logged to; none by default. */
  consoleLog: absolutePathSchema.optional(),
  /** Size in KiB of the huge pages that back its memory, 2048 or 1048576 on x86_64; none by default. */
  hugepages: pageSizeSchema.optional(),
  /** Whether its memory is a file that other processes can map, as it always is with a mount; default false. */
  sharedMemory: z.boolean().default(false),
  /** Host processors for virtual ones: `{ vcpu: 0, cpus: "2-3" }`; none by default. */
  cpuPinning: z.array(z.strictObject({ vcpu: z.int().nonnegative(), cpus: cpuListSchema })).default([]),
  /** Started with libvirtd; default false. */
  autostart: z.boolean().default(false),
  /** Whether it runs; default true. */
  running: z.boolean().default(true),
  /** Seconds for a guest to shut down before it is powered off; default 30. */
  shutdownTimeout: z.int().nonnegative().default(30),
  /** Seconds to wait for leases; default 300. */
  leaseTimeout: z.int().positive().default(300),
};

/** What a virtual machine is made from. */
export type DomainInputs = InputsOf<typeof domainSchemas>;
export type DomainDisk = DomainInputs["disks"][number];
export type DomainInterface = DomainInputs["interfaces"][number];
export type DomainHostDevice = DomainInputs["hostDevices"][number];
export type DomainCpu = NonNullable<DomainInputs["cpu"]>;
export type DomainNumaCell = DomainInputs["numaCells"][number];
