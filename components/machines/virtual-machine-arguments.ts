import type * as pulumi from "@pulumi/pulumi";
import type { GpuPlan } from "../../gpu/index.ts";
import type * as host from "../../providers/host/resources.ts";
import {
  distinct,
  ipv4,
  macAddress,
  pciAddress,
  problemUnless,
  wholeNumber,
  type ArgumentProblem,
} from "../arguments.ts";
import type { BootImage } from "../images/boot-image.ts";
import type { Platform } from "./platform.ts";
import type { VirtualNetwork } from "./virtual-network.ts";

export interface VirtualMachineArgs {
  hostname: string;
  image: BootImage;
  network: VirtualNetwork;
  /** Name of the storage pool for its disks. */
  pool: pulumi.Input<string>;
  /** Folder on libvirt's host for the log of its serial console. */
  consoleDirectory: pulumi.Output<string>;
  cpus: number;
  /** Memory in MiB. */
  memoryMib: number;
  /** Size of the disk in GiB. */
  diskGib: pulumi.Input<number>;
  mac: pulumi.Input<string>;
  /** Static IPv4 address in the network. */
  address: string;
  /** DNS domain of the network. */
  domain: pulumi.Input<string>;
  /** Architecture, domain type, machine type and CPU model. */
  platform: Platform;
  /** User for logins by Ansible and people. Default: `admin`. */
  adminUser?: string;
  /** Key pair of that user. */
  adminKey: host.SshKey;
  /** OpenSSH ProxyCommand into the network. Default: a direct connection. */
  proxyCommand?: pulumi.Input<string>;
  /** Whether `up` starts it. If false, `up` defines it, leaves its state to the user, and ignores `autostart`. Default: true. */
  running?: boolean;
  /** Whether libvirt starts it when the host boots. Default: false. */
  autostart?: boolean;
  /** Sockets, and threads per core; the number of cores follows from `cpus`. Default: one socket per CPU, as in QEMU. */
  cpuTopology?: { readonly sockets: number; readonly threads: number };
  /** Number of NUMA nodes, which share CPUs and memory evenly. Default: 1. */
  numaNodes?: number;
  /** GPUs of the host to pass through, each with its PCI address. Default: none. */
  gpus?: GpuPlan;
  /** PCI addresses of other devices of the host to pass through. Default: none. */
  passthrough?: readonly string[];
  /** Folders of the host to mount by virtiofs. Default: none. */
  mounts?: readonly VirtualMachineMount[];
  /** Size in KiB of the huge pages that back its memory. Default: ordinary pages. */
  hugepages?: 2048 | 1048576;
  /** Whether other processes of the host can map its memory. Always true with mounts. Default: false. */
  sharedMemory?: boolean;
  /** Numbers of the host's CPUs to which its virtual CPUs are pinned, in order. Default: not pinned. */
  hostCpus?: pulumi.Input<readonly number[]>;
}

/** A folder of the host that a VM mounts by virtiofs. */
export interface VirtualMachineMount {
  readonly tag: string;
  readonly hostPath: string;
  readonly mountPoint: string;
  /** Mount options, `rw,relatime`. */
  readonly options: string;
}

/** Problems with the arguments of a VM: invalid values, duplicates, and sizes that do not fit together. */
export function virtualMachineProblems(args: VirtualMachineArgs): ArgumentProblem[] {
  const {
    cpus,
    memoryMib,
    cpuTopology,
    numaNodes,
    hugepages,
    hostCpus,
    mounts = [],
    gpus = [],
    passthrough = [],
  } = args;
  const { sockets, threads } = cpuTopology ?? { sockets: 1, threads: 1 };
  const sizes = [
    ...wholeNumber("cpus", cpus, 1),
    ...wholeNumber("memoryMib", memoryMib, 1),
    ...wholeNumber("diskGib", args.diskGib, 1),
    ...wholeNumber("cpuTopology.sockets", sockets, 1),
    ...wholeNumber("cpuTopology.threads", threads, 1),
    ...wholeNumber("numaNodes", numaNodes, 1),
  ];
  const pages = (memoryMib * 1024) / (hugepages ?? 1);
  return [
    ...ipv4("address", args.address),
    ...macAddress("mac", args.mac),
    ...sizes,
    ...(sizes.length > 0
      ? []
      : [
          ...problemUnless(
            cpus % (sockets * threads) === 0,
            "cpus",
            `is ${cpus}, not a multiple of ${sockets} sockets x ${threads} threads`,
          ),
          ...problemUnless(
            numaNodes === undefined || numaNodes <= cpus,
            "numaNodes",
            `is ${numaNodes ?? 1}, more than the ${cpus} CPUs`,
          ),
          ...problemUnless(
            Number.isInteger(pages),
            "memoryMib",
            `is ${memoryMib}, not a multiple of the ${hugepages ?? 0} KiB of a huge page`,
          ),
        ]),
    ...(Array.isArray(hostCpus)
      ? problemUnless(hostCpus.length === cpus, "hostCpus", `has ${hostCpus.length} entries for ${cpus} CPUs`)
      : []),
    ...gpus.flatMap(({ pciAddress: address = "" }, i) => pciAddress(`gpus[${i}].pciAddress`, address)),
    ...passthrough.flatMap((address, i) => pciAddress(`passthrough[${i}]`, address)),
    ...distinct(passthrough, (i) => `passthrough[${i}]`),
    ...distinct(
      mounts.map(({ tag }) => tag),
      (i) => `mounts[${i}].tag`,
    ),
  ];
}
