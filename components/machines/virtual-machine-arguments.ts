import {
  distinct,
  ipv4,
  macAddress,
  pciAddress,
  unless,
  wholeNumber,
  type ArgumentProblem,
} from "../arguments.ts";
import type { VirtualMachineArgs } from "./virtual-machine.ts";

/** What would make a VM that nobody asked for: half cores, an interface without an address. */
export function virtualMachineProblems(args: VirtualMachineArgs): ArgumentProblem[] {
  const {
    cpus,
    memoryMib,
    cpuTopology,
    numaNodes,
    hugepages,
    hostCpus,
    mounts = [],
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
          ...unless(
            cpus % (sockets * threads) === 0,
            "cpus",
            `is ${cpus}, no multiple of ${sockets} sockets x ${threads} threads`,
          ),
          ...unless(
            numaNodes === undefined || numaNodes <= cpus,
            "numaNodes",
            `is ${numaNodes ?? 1}, more than the ${cpus} CPUs`,
          ),
          ...unless(
            Number.isInteger(pages),
            "memoryMib",
            `is ${memoryMib}, no multiple of the ${hugepages ?? 0} KiB of a huge page`,
          ),
        ]),
    ...(Array.isArray(hostCpus)
      ? unless(hostCpus.length === cpus, "hostCpus", `has ${hostCpus.length} entries for ${cpus} CPUs`)
      : []),
    ...passthrough.flatMap((address, i) => pciAddress(`passthrough[${i}]`, address)),
    ...distinct(passthrough, (i) => `passthrough[${i}]`),
    ...distinct(
      mounts.map(({ tag }) => tag),
      (i) => `mounts[${i}].tag`,
    ),
  ];
}
