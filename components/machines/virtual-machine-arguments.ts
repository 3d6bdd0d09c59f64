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
  /** libvirt's storage pool for its disks. */
  pool: pulumi.Input<string>;
  /** Where its serial console is logged. */
  consoleDirectory: pulumi.Output<string>;
  cpus: number;
  /** MiB */
  memoryMib: number;
  /** GiB */
  diskGib: pulumi.Input<number>;
  mac: pulumi.Input<string>;
  /** Its fixed address in the network. */
  address: string;
  /** DNS domain of its network. */
  domain: pulumi.Input<string>;
  /** What it runs as. */
  platform: Platform;
  /** The user that Ansible and people log in as. Default `admin`. */
  adminUser?: string;
  /** Key pair of that user. */
  adminKey: host.SshKey;
  /** How SSH gets into the network; undefined: directly. */
  proxyCommand?: pulumi.Input<string>;
  /** Whether it starts by itself, and with its host where `autostart` says so; else it is defined, and left as people leave it. Default true. */
  running?: boolean;
  /** Whether it comes back when its host boots. Default false. */
  autostart?: boolean;
  /** Sockets, and threads of a core; cores follow from `cpus`. Default: QEMU's, a socket for each. */
  cpuTopology?: { readonly sockets: number; readonly threads: number };
  /** NUMA nodes that it sees; its processors and its memory are dealt out evenly. Default: one. */
  numaNodes?: number;
  /** GPUs of the host that it gets, each with its PCI address. Default none. */
  gpus?: GpuPlan;
  /** PCI addresses of other devices of the host that it gets. Default none. */
  passthrough?: readonly string[];
  /** Folders of the host that it mounts by virtiofs. Default none. */
  mounts?: readonly VirtualMachineMount[];
  /** Size in KiB of the huge pages that its memory lies in. Default: ordinary memory. */
  hugepages?: 2048 | 1048576;
  /** Whether other processes of the host can map its memory; with mounts they always can. Default false. */
  sharedMemory?: boolean;
  /** The host's processors that its own are pinned to, one by one. Default: not pinned. */
  hostCpus?: pulumi.Input<readonly number[]>;
}

/** A folder of the host in a VM. */
export interface VirtualMachineMount {
  readonly tag: string;
  readonly hostPath: string;
  readonly mountPoint: string;
  /** Mount options, `rw,relatime`. */
  readonly options: string;
}

/** What is wrong with the arguments of a VM, such as half cores or an interface without an address. */
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
            `is ${cpus}, no multiple of ${sockets} sockets x ${threads} threads`,
          ),
          ...problemUnless(
            numaNodes === undefined || numaNodes <= cpus,
            "numaNodes",
            `is ${numaNodes ?? 1}, more than the ${cpus} CPUs`,
          ),
          ...problemUnless(
            Number.isInteger(pages),
            "memoryMib",
            `is ${memoryMib}, no multiple of the ${hugepages ?? 0} KiB of a huge page`,
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
