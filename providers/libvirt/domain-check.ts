import type { Problem } from "../framework/resource.ts";
import type { DomainInputs } from "./domain-inputs.ts";

/** All problems between a machine's inputs. */
export function checkDomain(inputs: DomainInputs): Problem[] {
  return [
    ...checkCpu(inputs),
    ...checkBoot(inputs),
    ...checkMemory(inputs),
    ...checkDisks(inputs),
    ...duplicates(
      "interfaces",
      "mac",
      inputs.interfaces.map((each) => each.mac),
    ),
    ...duplicates(
      "mounts",
      "tag",
      inputs.mounts.map((each) => each.tag),
    ),
    ...duplicates(
      "hostDevices",
      "address",
      inputs.hostDevices.map((each) => (each.type === "pci" ? each.address : undefined)),
    ),
    ...duplicates(
      "hostDevices",
      "uuid",
      inputs.hostDevices.map((each) => (each.type === "mdev" ? each.uuid : undefined)),
    ),
  ];
}

function checkCpu({ type, vcpus, cpu, cpuPinning }: DomainInputs): Problem[] {
  const problems: Problem[] = [];
  if (cpu !== undefined) {
    if (type === "qemu" && (cpu.mode === "host-passthrough" || cpu.mode === "host-model")) {
      problems.push({
        property: "cpu.mode",
        reason: `${cpu.mode} needs type kvm; with qemu use custom and a model, or maximum`,
      });
    }
    if (cpu.mode === "custom" && cpu.model === undefined) {
      problems.push({ property: "cpu.model", reason: "mode custom needs a model, such as Nehalem" });
    }
    if (cpu.mode !== "custom" && cpu.model !== undefined) {
      problems.push({ property: "cpu.model", reason: `a model goes with mode custom, not with ${cpu.mode}` });
    }
    if (cpu.topology !== undefined) {
      const { sockets, cores, threads } = cpu.topology;
      if (sockets * cores * threads !== vcpus) {
        problems.push({
          property: "cpu.topology",
          reason: `${sockets} x ${cores} x ${threads} processors, but vcpus is ${vcpus}`,
        });
      }
    }
  }
  for (const [index, { vcpu }] of cpuPinning.entries()) {
    if (vcpu >= vcpus) {
      problems.push({
        property: `cpuPinning[${index}].vcpu`,
        reason: `there is no virtual processor ${vcpu}: vcpus is ${vcpus}, the first is 0`,
      });
    }
  }
  return [
    ...problems,
    ...duplicates(
      "cpuPinning",
      "vcpu",
      cpuPinning.map((each) => String(each.vcpu)),
    ),
  ];
}

function checkBoot({ arch, firmware, boot, disks }: DomainInputs): Problem[] {
  const problems: Problem[] = [];
  const hasDisk = disks.some((disk) => disk.device === "disk");
  if (boot !== undefined && hasDisk && !/(^|\s)root=\S/.test(boot.cmdline)) {
    problems.push({
      property: "boot.cmdline",
      reason: "must say where the root file system is: root=/dev/vda",
    });
  }
  if (boot !== undefined && !hasDisk && boot.initrd === undefined && !/(^|\s)root=\S/.test(boot.cmdline)) {
    problems.push({ property: "boot.initrd", reason: "a kernel without an initrd needs a root= and a disk" });
  }
  if (arch === "aarch64" && firmware === "bios" && boot === undefined) {
    problems.push({ property: "firmware", reason: "aarch64 boots from a disk with uefi only" });
  }
  return problems;
}

function checkMemory({ memory, hugepages, numaCells }: DomainInputs): Problem[] {
  const problems: Problem[] = [];
  const areas = numaCells.length === 0 ? [memory] : numaCells.map((cell) => cell.memory);
  const broken = areas.find((area) => hugepages !== undefined && (area * 1024) % hugepages !== 0);
  if (broken !== undefined) {
    problems.push({
      property: "hugepages",
      reason: `${broken} MiB are not a whole number of ${hugepages} KiB pages`,
    });
  }
  const sum = areas.reduce((total, area) => total + area, 0);
  if (sum !== memory) {
    problems.push({ property: "numaCells", reason: `have ${sum} MiB together, but memory is ${memory}` });
  }
  return problems;
}

function checkDisks({ machine, arch, disks }: DomainInputs): Problem[] {
  const problems: Problem[] = [];
  const hasIde = arch === "x86_64" && machine !== undefined && /^pc(-i440fx.*)?$/.test(machine);
  for (const [index, disk] of disks.entries()) {
    if (disk.device === "cdrom" && disk.bus === "virtio") {
      problems.push({
        property: `disks[${index}].bus`,
        reason: "a CD-ROM cannot be on virtio; take sata or scsi",
      });
    }
    if (disk.bus === "ide" && !hasIde) {
      problems.push({ property: `disks[${index}].bus`, reason: "only machine type pc has ide; use sata" });
    }
  }
  return [
    ...problems,
    ...duplicates(
      "disks",
      "volume",
      disks.map((disk) => disk.volume),
    ),
  ];
}

/** A problem for each value that an earlier element has. */
function duplicates(list: string, key: string, values: readonly (string | undefined)[]): Problem[] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    if (value === undefined || first === index) return [];
    return [{ property: `${list}[${index}].${key}`, reason: `${value} is also ${list}[${first}]'s` }];
  });
}
