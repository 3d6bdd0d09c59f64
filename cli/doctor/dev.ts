import { constants } from "node:fs/promises";
import { freemem } from "node:os";
import { execa } from "execa";
import { ansible, engine, program } from "./common.ts";
import { fail, note, pass, type Finding } from "./finding.ts";
import { Host } from "./host.ts";

const GIB = 1024 ** 3;
const NEEDED_MEMORY_GIB = 4;
const NEEDED_DISK_GIB = 6;

// What each program is for; all of them come with `make setup`.
const PROGRAMS: Readonly<Record<string, string>> = {
  virsh: "talks to libvirt",
  libvirtd: "runs virtual machines",
  [`qemu-system-${process.arch === "arm64" ? "aarch64" : "x86_64"}`]: "is the virtual machine",
  "qemu-img": "makes disks",
  mmdebstrap: "builds the golden image",
  "systemd-nspawn": "runs container nodes",
  nsenter: "reaches into the stack's network",
  nc: "reaches into the stack's network",
  "ssh-keygen": "makes keys",
};

/** Looks at everything that the dev stack needs of this host. */
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
  const found = "not root; network namespaces and libvirtd need it";
  return fail("user", found, "run with sudo, as `make up` does");
}

async function networkNamespace(): Promise<Finding> {
  const result = await execa("unshare", ["--net", "true"], { reject: false });
  if (!result.failed) return pass("network namespaces", "can be made");
  const remedy = "run as root, outside containers that lack CAP_SYS_ADMIN";
  return fail("network namespaces", "cannot be made here", remedy);
}

async function kvm(host: Host): Promise<Finding> {
  if (await host.may("dev/kvm", constants.R_OK | constants.W_OK)) {
    return pass("kvm", "/dev/kvm is there; `up` boots a kernel with it before it is trusted");
  }
  return note(
    "kvm",
    "no /dev/kvm: VMs are emulated in software, about ten times slower",
    "switch on virtualisation in the firmware, or use `--machines container`",
  );
}

function memory(): Finding {
  const free = freemem() / GIB;
  const found = `${free.toFixed(1)} GiB free, ${NEEDED_MEMORY_GIB} needed by the dev stack's VMs`;
  if (free >= NEEDED_MEMORY_GIB) return pass("memory", found);
  return note("memory", found, "use `--machines container`, or smaller nodes in the file");
}

async function disk(root: string, host: Host): Promise<Finding> {
  const free = (await host.freeBytes(root)) / GIB;
  const found = `${free.toFixed(0)} GiB free, ${NEEDED_DISK_GIB} needed for image, packages and disks`;
  return free >= NEEDED_DISK_GIB ? pass("disk", found) : fail("disk", found, `free space under ${root}`);
}
