import { constants } from "node:fs/promises";
import { freemem } from "node:os";
import { execa } from "execa";
import { ansible, engine, program } from "./common.ts";
import { fail, note, pass, type Finding } from "./finding.ts";
import { Host } from "./host.ts";

const GIB = 1024 ** 3;
const NEEDED_MEMORY_GIB = 4;
const NEEDED_DISK_GIB = 6;

// The purpose of each program; `make setup` installs all of them.
const PROGRAMS: Readonly<Record<string, string>> = {
  virsh: "controls libvirt",
  libvirtd: "manages virtual machines",
  [`qemu-system-${process.arch === "arm64" ? "aarch64" : "x86_64"}`]: "runs virtual machines",
  "qemu-img": "creates disks",
  mmdebstrap: "builds the golden image",
  "systemd-nspawn": "runs container nodes",
  nsenter: "enters the stack's network namespace",
  nc: "connects to machines in that namespace",
  "ssh-keygen": "makes SSH keys",
};

/** Checks everything that the dev stack needs on this host. */
export async function diagnoseDev(root: string, host = new Host()): Promise<Finding[]> {
  const found = await Promise.all([
    ...Object.entries(PROGRAMS).map(([name, purpose]) => program(host, name, purpose)),
    ansible(root),
    networkNamespace(),
    kvm(host),
    disk(root, host),
    engine(),
  ]);
  return [user(host), ...found, memory()];
}

function user({ uid }: Host): Finding {
  if (uid === 0) return pass("user", "root");
  const found = "not root, which network namespaces and libvirtd need";
  return fail("user", found, "run with sudo, as `make up` does");
}

async function networkNamespace(): Promise<Finding> {
  const result = await execa("unshare", ["--net", "true"], { reject: false });
  if (!result.failed) return pass("network namespaces", "can be created");
  const remedy = "run as root, and not in a container without CAP_SYS_ADMIN";
  return fail("network namespaces", "cannot be created", remedy);
}

async function kvm(host: Host): Promise<Finding> {
  if (await host.may("dev/kvm", constants.R_OK | constants.W_OK)) {
    return pass("kvm", "/dev/kvm is there; `up` uses it if a kernel boots with it");
  }
  return note(
    "kvm",
    "no /dev/kvm: QEMU emulates VMs, about ten times slower",
    "switch on virtualisation in the firmware, or use `--machines container`",
  );
}

function memory(): Finding {
  const free = freemem() / GIB;
  const found = `${free.toFixed(1)} GiB free; the VMs of the dev stack need ${NEEDED_MEMORY_GIB}`;
  if (free >= NEEDED_MEMORY_GIB) return pass("memory", found);
  return note("memory", found, "use `--machines container`, or give nodes less memory in the cluster file");
}

async function disk(root: string, host: Host): Promise<Finding> {
  const free = (await host.freeBytes(root)) / GIB;
  const found = `${free.toFixed(0)} GiB free; image, packages and disks need ${NEEDED_DISK_GIB}`;
  return free >= NEEDED_DISK_GIB
    ? pass("disk", found)
    : fail("disk", found, `delete files on the file system of ${root}`);
}
