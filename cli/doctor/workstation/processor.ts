import { constants } from "node:fs/promises";
import { fail, note, pass, type Finding } from "../finding.ts";
import type { Host } from "../host.ts";
import type { Needs } from "./needs.ts";

const GIB = 1024 ** 3;
// Kept for the host itself.
const HOST_MEMORY_GIB = 2;
/** Size of huge pages in KiB. */
export const PAGE_KIB = { "2M": 2048, "1G": 1048576 } as const;

/** Checks KVM, unless all clusters ask for emulation. */
export async function kvm(host: Host, { vms }: Needs): Promise<Finding> {
  if (vms.every(({ acceleration }) => acceleration.mode === "tcg"))
    return pass("kvm", "not needed: the cluster file asks for emulation");
  const flags = (await host.text("proc/cpuinfo")) ?? "";
  const hasFlags = process.arch === "arm64" || /^flags\s*:.*\b(vmx|svm)\b/m.test(flags);
  if (await host.may("dev/kvm", constants.R_OK | constants.W_OK)) {
    if (hasFlags) return pass("kvm", "/dev/kvm is there, and you may open it");
    return note(
      "kvm",
      "/dev/kvm is there, but the processor has neither the flag vmx nor svm",
      "`ai-how verify workstation` boots a machine with it; `hardware.acceleration: tcg` needs none",
    );
  }
  if (await host.may("dev/kvm"))
    return fail("kvm", "you may not open /dev/kvm", "run as root, or as a member of the group kvm");
  return fail(
    "kvm",
    hasFlags
      ? "no /dev/kvm, although the processor supports it"
      : "no /dev/kvm: the processor has neither the flag vmx nor svm",
    hasFlags
      ? "load kvm_intel or kvm_amd with modprobe, and look at dmesg"
      : "switch on VT-x or AMD-V in the firmware, or set `hardware.acceleration: tcg` in the cluster file",
  );
}

/**
 * Checks that libvirt's user may open /dev/kvm. If only root may, libvirt holds its cached facts about QEMU to be outdated each time that
 * it needs them (`virQEMUCapsIsValid`), and probes QEMU a dozen times, a second or more each, for every machine that is defined.
 */
export async function kvmOfLibvirt(host: Host): Promise<Finding[]> {
  const device = await host.permissions("dev/kvm");
  const settings = (await host.text("etc/libvirt/qemu.conf")) ?? "";
  if (device === undefined || /^\s*user\s*=\s*"\+?(root|0)"/m.test(settings)) return [];
  const group = /^kvm:[^:]*:(\d+):/m.exec((await host.text("etc/group")) ?? "")?.[1];
  const isGroups = (device.mode & 0o060) === 0o060 && String(device.gid) === group;
  if ((device.mode & 0o006) === 0o006 || isGroups)
    return [pass("kvm for libvirt", "its user may open /dev/kvm")];
  return [
    note(
      "kvm for libvirt",
      "its user may not open /dev/kvm, so libvirt probes QEMU again for each machine, which takes up to minutes",
      "run `chgrp kvm /dev/kvm` and `chmod 660 /dev/kvm`; where udev is installed, it does that",
    ),
  ];
}

/** Checks that the host has memory for all machines that `up` starts. */
export async function memory(host: Host, { started }: Needs): Promise<Finding> {
  const kib = /^MemTotal:\s*(\d+) kB/m.exec((await host.text("proc/meminfo")) ?? "")?.[1];
  const has = (Number(kib ?? 0) * 1024) / GIB;
  const wanted = started.reduce((sum, { memoryMib }) => sum + memoryMib, 0) / 1024;
  const found = `${has.toFixed(0)} GiB; ${started.length} machines need ${wanted.toFixed(0)}`;
  if (has >= wanted + HOST_MEMORY_GIB) return pass("memory", found);
  return fail(
    "memory",
    `${found}, the host ${HOST_MEMORY_GIB}`,
    "lower `memory_gb` of machines, or set `auto_start: false` on some",
  );
}

// The size in /proc/mounts, however the mount option was written.
const SHOWN_SIZE = { "2M": "2M", "1G": "1024M" };

/** Checks huge pages of each size in the cluster file. */
export async function hugePages(host: Host, { started }: Needs): Promise<Finding[]> {
  const sizes = [...new Set(started.flatMap(({ acceleration }) => acceleration.hugepages ?? []))];
  return Promise.all(
    sizes.map(async (size) => {
      const check = `huge pages of ${size}`;
      const folder = `sys/kernel/mm/hugepages/hugepages-${PAGE_KIB[size]}kB`;
      const total = await host.text(`${folder}/nr_hugepages`);
      if (total === undefined) {
        const remedy =
          size === "1G"
            ? "the processor lacks pdpe1gb, or a hypervisor hides it: set hugepage_size: 2M"
            : "use a kernel with CONFIG_HUGETLBFS";
        return fail(check, "the kernel does not support this size", remedy);
      }
      const mounted = ((await host.text("proc/mounts")) ?? "")
        .split("\n")
        .filter((line) => line.split(" ")[2] === "hugetlbfs")
        .some((line) => (/pagesize=(\w+)/.exec(line)?.[1] ?? "2M") === SHOWN_SIZE[size]);
      // `up` mounts a hugetlbfs for pages of 1 GiB.
      if (mounted || (size === "1G" && (await host.may("run/systemd/system", constants.F_OK))))
        return pass(check, `${total.trim()} reserved now; \`up\` reserves what machines need`);
      return note(
        check,
        "no hugetlbfs of this size is mounted, which libvirt needs",
        `run \`mount -t hugetlbfs -o pagesize=${size} hugetlbfs-${size} /dev/hugepages${size}\`, and restart libvirtd`,
      );
    }),
  );
}
