import * as pulumi from "@pulumi/pulumi";

/** A disk or CD-ROM of a `Domain`. */
export interface DomainDiskArgs {
  /** Path of the volume on libvirt's host. */
  volume: pulumi.Input<string>;
  /** The volume's `generation`: when its content was made anew, the machine restarts. */
  generation?: pulumi.Input<string | undefined>;
  /** `qcow2` by default. */
  format?: pulumi.Input<"qcow2" | "raw" | undefined>;
  /** `virtio` by default, `sata` for a CD-ROM. */
  bus?: pulumi.Input<"virtio" | "scsi" | "sata" | "ide" | "usb" | undefined>;
  /** `disk` by default. */
  device?: pulumi.Input<"disk" | "cdrom" | undefined>;
  /** Default false; a CD-ROM always is. */
  readonly?: pulumi.Input<boolean | undefined>;
  /** Serial number that the guest sees below /dev/disk/by-id; none by default. */
  serial?: pulumi.Input<string | undefined>;
  /** QEMU's cache mode; default is QEMU's, `writeback`. `unsafe` ignores flushes: for machines that may be lost. */
  cache?: pulumi.Input<"none" | "writeback" | "writethrough" | "directsync" | "unsafe" | undefined>;
}

/** A network interface of a `Domain`. */
export interface DomainInterfaceArgs {
  /** Name of a libvirt network. */
  network: pulumi.Input<string>;
  /** Default is made from the machine's UUID, the same at every start. */
  mac?: pulumi.Input<string | undefined>;
  /** `virtio` by default. */
  model?: pulumi.Input<string | undefined>;
  /** Whether `up` waits until DHCP has given it an address; default false. */
  waitForLease?: pulumi.Input<boolean | undefined>;
}

/** A folder of the host that the guest mounts with `mount -t virtiofs <tag>`. */
export interface DomainMountArgs {
  source: pulumi.Input<string>;
  tag: pulumi.Input<string>;
}

/** A device of the host that a `Domain` gets: a PCI device by address, or a mediated device by UUID. */
export type DomainHostDeviceArgs =
  | {
      type: "pci";
      /** `0000:65:00.0`, as lspci -D prints it. */
      address: pulumi.Input<string>;
      /** Whether libvirt takes it from its driver and gives it back; default true. */
      managed?: pulumi.Input<boolean | undefined>;
    }
  | { type: "mdev"; uuid: pulumi.Input<string> };

/** The processor that a guest sees. */
export interface DomainCpuArgs {
  mode: pulumi.Input<"host-passthrough" | "host-model" | "maximum" | "custom">;
  /** QEMU's name of a model, `Nehalem`; with `custom` only. */
  model?: pulumi.Input<string | undefined>;
  /** Features on top of the model; policy `require` by default. */
  features?: pulumi.Input<
    | {
        name: pulumi.Input<string>;
        policy?: pulumi.Input<"require" | "disable" | "optional" | "forbid" | "force" | undefined>;
      }[]
    | undefined
  >;
  /** Its product is `vcpus`. */
  topology?: pulumi.Input<
    { sockets: pulumi.Input<number>; cores: pulumi.Input<number>; threads: pulumi.Input<number> } | undefined
  >;
}

/** Arguments of a `Domain`. */
export interface DomainArgs {
  /** libvirt's name for it. */
  name: pulumi.Input<string>;
  /** `kvm` where it works, `qemu` for software emulation. */
  type: pulumi.Input<"kvm" | "qemu">;
  /** Default is this host's. */
  arch?: pulumi.Input<"x86_64" | "aarch64" | undefined>;
  /** QEMU's machine type; default `q35` on x86_64 and `virt` on aarch64. */
  machine?: pulumi.Input<string | undefined>;
  /** Default `bios`. UEFI variables are kept by libvirt and go with the machine. */
  firmware?: pulumi.Input<"bios" | "uefi" | undefined>;
  /** Number of virtual processors. */
  vcpus: pulumi.Input<number>;
  /** MiB. */
  memory: pulumi.Input<number>;
  /** Default `host-passthrough` with KVM, and QEMU's own default without. */
  cpu?: pulumi.Input<DomainCpuArgs | undefined>;
  /** NUMA nodes that the guest sees, processors as `0-3` and memory in MiB; none, and so one, by default. */
  numaCells?: pulumi.Input<{ cpus: pulumi.Input<string>; memory: pulumi.Input<number> }[] | undefined>;
  /** Boots this kernel directly, with paths on libvirt's host; default is to boot from the first disk. */
  boot?: pulumi.Input<
    | {
        kernel: pulumi.Input<string>;
        initrd?: pulumi.Input<string | undefined>;
        cmdline: pulumi.Input<string>;
      }
    | undefined
  >;
  disks?: pulumi.Input<pulumi.Input<DomainDiskArgs>[] | undefined>;
  interfaces?: pulumi.Input<pulumi.Input<DomainInterfaceArgs>[] | undefined>;
  mounts?: pulumi.Input<pulumi.Input<DomainMountArgs>[] | undefined>;
  hostDevices?: pulumi.Input<pulumi.Input<DomainHostDeviceArgs>[] | undefined>;
  /** File on libvirt's host that the serial console is logged to; none by default. */
  consoleLog?: pulumi.Input<string | undefined>;
  /** Size in KiB of the huge pages that its memory lies in, 2048 or 1048576 on x86_64; none by default. */
  hugepages?: pulumi.Input<number | undefined>;
  /** Whether its memory is a file that other processes can map, as with any mount; default false. */
  sharedMemory?: pulumi.Input<boolean | undefined>;
  /** Host processors for virtual ones: `{ vcpu: 0, cpus: "2-3" }`; none by default. */
  cpuPinning?: pulumi.Input<{ vcpu: pulumi.Input<number>; cpus: pulumi.Input<string> }[] | undefined>;
  /** Started with libvirtd; default false. */
  autostart?: pulumi.Input<boolean | undefined>;
  /** Whether it runs; default true. */
  running?: pulumi.Input<boolean | undefined>;
  /** Seconds that a guest gets to shut down before it is powered off; default 30. */
  shutdownTimeout?: pulumi.Input<number | undefined>;
  /** Seconds to wait for leases; default 300. */
  leaseTimeout?: pulumi.Input<number | undefined>;
}

/** A virtual machine. */
export class Domain extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly type: pulumi.Output<"kvm" | "qemu">;
  declare readonly running: pulumi.Output<boolean>;
  declare readonly uuid: pulumi.Output<string>;
  /** Each interface's MAC address, in order. */
  declare readonly macAddresses: pulumi.Output<string[]>;
  /** Each interface's IPv4 address where DHCP has given one, and an empty string otherwise. */
  declare readonly addresses: pulumi.Output<string[]>;
  /** When it was last started by us, in ISO 8601. */
  declare readonly started: pulumi.Output<string>;

  constructor(name: string, args: DomainArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      running: undefined,
      uuid: undefined,
      macAddresses: undefined,
      addresses: undefined,
      started: undefined,
    };
    super("libvirt:index:Domain", name, { ...outputs, ...args }, opts);
  }
}
