import { fail, note, pass, type Finding } from "../finding.ts";
import type { Host } from "../host.ts";
import type { Needs } from "./needs.ts";

const GIB = 1024 ** 3;
// An image while it is built, and what a node's disk takes of it at first; measured with Debian 12's.
const BUILD_GIB = 6;
const POOLS = "var/lib/libvirt/images";
const CACHE = "var/cache/ai-how";
// Debian 12 has it with QEMU, later distributions as a package of its own.
const VIRTIOFSD = ["usr/libexec/virtiofsd", "usr/lib/qemu/virtiofsd", "usr/lib/virtiofsd"];

/** The program that shares folders with machines, and its description, by which libvirt finds it. */
export async function virtiofsd(host: Host, { mounts }: Needs): Promise<Finding[]> {
  if (mounts.length === 0) return [];
  const check = "virtiofsd";
  const install = "apt-get install virtiofsd; on Debian 12 it is in qemu-system-common";
  const folder = "usr/share/qemu/vhost-user";
  const described: string[] = [];
  for (const name of await host.list(folder)) {
    const text = (await host.text(`${folder}/${name}`)) ?? "";
    const binary = /"type"\s*:\s*"fs"/.test(text) && /"binary"\s*:\s*"([^"]+)"/.exec(text)?.[1];
    if (binary) described.push(binary);
  }
  for (const binary of described) if (await host.may(binary)) return [pass(check, binary)];
  for (const binary of VIRTIOFSD) {
    if (await host.may(binary))
      return [
        note(check, `/${binary}, and no description of it in /${folder}: libvirt does not find it`, install),
      ];
  }
  const found = described.length > 0 ? `${described.join(", ")} is not there` : "missing";
  return [fail(check, `${found}; machines mount folders of this host by it`, install)];
}

/** Folders of the host that machines mount. */
export async function folders(host: Host, { mounts }: Needs): Promise<Finding[]> {
  const paths = [...new Set(mounts.map(({ hostPath }) => hostPath))];
  return Promise.all(
    paths.map(async (path) =>
      (await host.may(path))
        ? pass(`folder ${path}`, "there")
        : fail(
            `folder ${path}`,
            "is not there, and machines mount it",
            `mkdir -p ${path}, or mount what belongs there`,
          ),
    ),
  );
}

/** UEFI for machines, where they need it: arm64 knows nothing else to boot a disk with. */
export async function firmware(
  host: Host,
  { images }: Needs,
  arch: string = process.arch,
): Promise<Finding[]> {
  const bootsDisk = images.some(({ kind }) => kind !== "built");
  if (arch !== "arm64" || !bootsDisk) return [];
  const descriptions = await host.list("usr/share/qemu/firmware");
  for (const name of descriptions) {
    const text = (await host.text(`usr/share/qemu/firmware/${name}`)) ?? "";
    if (text.includes('"uefi"') && text.includes('"aarch64"')) return [pass("uefi", name)];
  }
  return [
    fail("uefi", "no firmware for machines that boot from their disk", "apt-get install qemu-efi-aarch64"),
  ];
}

/** Space where images and disks go. */
export async function disk(host: Host, { vms, images }: Needs): Promise<Finding[]> {
  const builds = images.some(({ kind }) => kind !== "file");
  const wanted = vms.reduce((sum, { diskGib }) => sum + diskGib, 0);
  const [forDisks, forBuilds] = [(await host.freeBytes(POOLS)) / GIB, (await host.freeBytes(CACHE)) / GIB];
  const disks = `${forDisks.toFixed(0)} GiB free in /${POOLS}, ${wanted} at most for ${vms.length} disks`;
  const findings = [
    forDisks < BUILD_GIB
      ? fail("disks", disks, `free space there, or mount a larger disk on /${POOLS}`)
      : forDisks < wanted
        ? note("disks", disks, "disks grow as they are written to: watch the space, or use smaller ones")
        : pass("disks", disks),
  ];
  if (builds) {
    const found = `${forBuilds.toFixed(0)} GiB free in /${CACHE}, ${BUILD_GIB} to build an image`;
    findings.push(forBuilds < BUILD_GIB ? fail("images", found, `free space there`) : pass("images", found));
  }
  return findings;
}
