import { constants } from "node:fs/promises";
import { fail, note, pass, type Finding } from "../finding.ts";
import type { Host } from "../host.ts";
import type { Needs } from "./needs.ts";

const GIB = 1024 ** 3;
// What the host itself needs beside its machines.
const HOST_MEMORY_GIB = 2;
const PAGE_KIB = { "2M": 2048, "1G": 1048576 } as const;

/** Hardware virtualisation, where a cluster does without emulation. */
export async function kvm(host: Host, { vms }: Needs): Promise<Finding> {
  if (vms.every(({ acceleration }) => acceleration.mode === "tcg"))
    return pass("kvm", "not needed: the cluster file asks for emulation");
  const flags = (await host.text("proc/cpuinfo")) ?? "";
  const hasFlags = process.arch === "arm64" || /^flags\s*:.*\b(vmx|svm)\b/m.test(flags);
  if (await host.may("dev/kvm", constants.R_OK | constants.W_OK)) {
    if (hasFlags) return pass("kvm", "/dev/kvm is there and yours to use");
    return note(
      "kvm",
      "/dev/kvm is there, and the processor names neither vmx nor svm",
      "`ai-how verify workstation` boots a machine with it; `hardware.acceleration: tcg` does without",
    );
  }
  if (await host.may("dev/kvm"))
    return fail("kvm", "/dev/kvm is not yours to use", "run as root, or as a member of the group kvm");
  return fail(
    "kvm",
    hasFlags
      ? "no /dev/kvm, though the processor can"
      : "no /dev/kvm: the processor names neither vmx nor svm",
    hasFlags
      ? "modprobe kvm_intel or kvm_amd, and see dmesg"
      : "switch on VT-x or AMD-V in the firmware, or let the cluster file say `hardware.acceleration: tcg`",
  );
}

/**
 * Whether libvirt's user may open the device. Where root may and that user may not, libvirt takes what it knows of QEMU for outdated at
 * each look: a dozen probes of a second and more for every machine that is defined (its `virQEMUCapsIsValid`).
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
      "its user may not open /dev/kvm, so it looks at QEMU anew for each machine, which takes up to minutes",
      "chgrp kvm /dev/kvm and chmod 660 /dev/kvm, as udev does where it is installed",
    ),
  ];
}

/** Memory for all machines that start by themselves. */
export async function memory(host: Host, { started }: Needs): Promise<Finding> {
  const kib = /^MemTotal:\s*(\d+) kB/m.exec((await host.text("proc/meminfo")) ?? "")?.[1];
  const has = (Number(kib ?? 0) * 1024) / GIB;
  const wanted = started.reduce((sum, { memoryMib }) => sum + memoryMib, 0) / 1024;
  const found = `${has.toFixed(0)} GiB, ${wanted.toFixed(0)} wanted by ${started.length} machines`;
  if (has >= wanted + HOST_MEMORY_GIB) return pass("memory", found);
  return fail(
    "memory",
    `${found} and ${HOST_MEMORY_GIB} by the host`,
    "give machines less `memory_gb`, or some `auto_start: false`",
  );
}

// As the kernel writes it, whatever was given at the mount.
const SHOWN_SIZE = { "2M": "2M", "1G": "1024M" };

/** Pages of the size that the cluster file names. */
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
            ? "the processor lacks pdpe1gb, or a hypervisor hides it: use hugepage_size: 2M"
            : "use a kernel with CONFIG_HUGETLBFS";
        return fail(check, "this host has none of that size", remedy);
      }
      const mounted = ((await host.text("proc/mounts")) ?? "")
        .split("\n")
        .filter((line) => line.split(" ")[2] === "hugetlbfs")
        .some((line) => (/pagesize=(\w+)/.exec(line)?.[1] ?? "2M") === SHOWN_SIZE[size]);
      // `up` mounts those of 1 GiB.
      if (mounted || (size === "1G" && (await host.may("run/systemd/system", constants.F_OK))))
        return pass(check, `${total.trim()} set aside; \`up\` sets aside what is needed`);
      return note(
        check,
        `no hugetlbfs of that size is mounted, and libvirt wants one`,
        `mount -t hugetlbfs -o pagesize=${size} hugetlbfs-${size} /dev/hugepages${size}, and restart libvirtd`,
      );
    }),
  );
}
