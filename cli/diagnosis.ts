import { access, constants, statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { execa } from "execa";
import { deriveSite, loadClusterFile } from "../config/index.ts";
import { plainStackValue } from "../engine/project.ts";
import { findPulumi } from "../engine/select.ts";
import { installPacker, packerLacks } from "../providers/host/packer/installed.ts";

/** One thing that was looked at. `note` is worth knowing and stops nothing. */
export interface Finding {
  readonly check: string;
  readonly level: "pass" | "note" | "fail";
  readonly found: string;
  readonly remedy?: string;
}

const GIB = 1024 ** 3;
const NEEDED_MEMORY_GIB = 4;
const NEEDED_DISK_GIB = 6;
const SETUP = "run `make setup`";

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

/** Looks at everything that the dev stack needs of this host, and at what else the cluster file of `stack` asks for. */
export async function diagnose(root: string, stack?: string): Promise<Finding[]> {
  return (
    await Promise.all([
      Promise.resolve(user()),
      ...Object.entries(PROGRAMS).map(([name, purpose]) => program(name, purpose)),
      ansible(root),
      networkNamespace(),
      kvm(),
      Promise.resolve(memory()),
      disk(root),
      pulumi(),
      stack === undefined ? [] : packer(root, stack),
    ])
  ).flat();
}

function user(): Finding {
  if (process.getuid?.() === 0) return { check: "user", level: "pass", found: "root" };
  return {
    check: "user",
    level: "fail",
    found: "not root; network namespaces and libvirtd need it",
    remedy: "run with sudo, as `make up` does",
  };
}

async function program(name: string, purpose: string): Promise<Finding> {
  // System programs lie in folders that an ordinary user's PATH may lack.
  for (const folder of [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"]) {
    const file = join(folder, name);
    if (await readable(file, constants.X_OK)) return { check: name, level: "pass", found: file };
  }
  return { check: name, level: "fail", found: `missing; it ${purpose}`, remedy: SETUP };
}

async function ansible(root: string): Promise<Finding> {
  const check = "ansible";
  const result = await execa(join(root, ".venv", "bin", "ansible-playbook"), ["--version"], {
    reject: false,
  });
  if (result.failed) return { check, level: "fail", found: ".venv has no ansible-playbook", remedy: SETUP };
  return { check, level: "pass", found: result.stdout.split("\n")[0] ?? "" };
}

async function networkNamespace(): Promise<Finding> {
  const check = "network namespaces";
  const result = await execa("unshare", ["--net", "true"], { reject: false });
  if (!result.failed) return { check, level: "pass", found: "can be made" };
  return {
    check,
    level: "fail",
    found: "cannot be made here",
    remedy: "run as root, outside containers that lack CAP_SYS_ADMIN",
  };
}

async function kvm(): Promise<Finding> {
  const check = "kvm";
  if (await readable("/dev/kvm", constants.R_OK | constants.W_OK)) {
    return {
      check,
      level: "pass",
      found: "/dev/kvm is there; `up` boots a kernel with it before it is trusted",
    };
  }
  return {
    check,
    level: "note",
    found: "no /dev/kvm: VMs are emulated in software, about ten times slower",
    remedy: "switch on virtualisation in the firmware, or use `--machines container`",
  };
}

function memory(): Finding {
  const free = freemem() / GIB;
  const found = `${free.toFixed(1)} GiB free, ${NEEDED_MEMORY_GIB} needed by the dev stack's VMs`;
  if (free >= NEEDED_MEMORY_GIB) return { check: "memory", level: "pass", found };
  return {
    check: "memory",
    level: "note",
    found,
    remedy: "use `--machines container`, or smaller nodes in the file",
  };
}

async function disk(root: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(root);
  const free = (bavail * bsize) / GIB;
  const found = `${free.toFixed(0)} GiB free, ${NEEDED_DISK_GIB} needed for image, packages and disks`;
  if (free >= NEEDED_DISK_GIB) return { check: "disk", level: "pass", found };
  return { check: "disk", level: "fail", found, remedy: `free space under ${root}` };
}

async function pulumi(): Promise<Finding> {
  const check = "pulumi";
  const file = await findPulumi();
  if (file !== undefined) return { check, level: "pass", found: file };
  return {
    check,
    level: "note",
    found: "not installed; the in-process engine runs the program",
    remedy: "`npx pulumi version` fetches it",
  };
}

/** Packer, where the stack's cluster file asks for images of its making. */
async function packer(root: string, stack: string): Promise<Finding[]> {
  const file = await plainStackValue(root, stack, "ai-how:clusterFile");
  if (file === undefined) return [];
  const { clusters } = deriveSite(loadClusterFile(resolve(root, file)).config);
  const isAskedFor = clusters.some(({ nodes }) =>
    nodes.some((node) => node.ssh === undefined && node.image.kind === "packer"),
  );
  if (!isAskedFor) return [];
  const lacking = await packerLacks();
  if (lacking === undefined) return [{ check: "packer", level: "pass", found: "the pinned version" }];
  const found = `${lacking}; it builds the images that ${file} asks for`;
  return [{ check: "packer", level: "fail", found, remedy: installPacker }];
}

async function readable(file: string, mode: number): Promise<boolean> {
  try {
    await access(file, mode);
    return true;
  } catch {
    return false;
  }
}
