import { fail, note, pass, type Finding } from "../finding.ts";
import type { Host } from "../host.ts";
import type { Needs } from "./needs.ts";

const GIB = 1024 ** 3;
// Space for building one image, and for the first writes to disks; measured with Debian 12.
const BUILD_GIB = 6;
const POOLS = "var/lib/libvirt/images";
const CACHE = "var/cache/ai-how";
// In Debian 12 virtiofsd is part of QEMU's packages, in later distributions a package of its own.
const VIRTIOFSD = ["usr/libexec/virtiofsd", "usr/lib/qemu/virtiofsd", "usr/lib/virtiofsd"];

/** Checks virtiofsd, which shares folders with machines, and the description by which libvirt finds it. */
export async function virtiofsd(host: Host, { mounts }: Needs): Promise<Finding[]> {
  if (mounts.length === 0) return [];
  const check = "virtiofsd";
  const install = "apt-get install virtiofsd; on Debian 12: apt-get install qemu-system-common";
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
      return [note(check, `libvirt does not find /${binary}: /${folder} has no description of it`, install)];
  }
  const found = described.length > 0 ? `${described.join(", ")} is missing` : "not installed";
  return [fail(check, `${found}; machines need it to mount folders of this host`, install)];
}

/** Checks the folders of the host that machines mount. */
export async function folders(host: Host, { mounts }: Needs): Promise<Finding[]> {
  const paths = [...new Set(mounts.map(({ hostPath }) => hostPath))];
  return Promise.all(
    paths.map(async (path) =>
      (await host.may(path))
        ? pass(`folder ${path}`, "there")
        : fail(`folder ${path}`, "missing; machines mount it", `mkdir -p ${path}, or mount its file system`),
    ),
  );
}

/** Checks UEFI firmware, without which arm64 machines cannot boot from a disk. */
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
    fail(
      "uefi",
      "no UEFI firmware for machines that boot from their disk",
      "apt-get install qemu-efi-aarch64",
    ),
  ];
}

/** Checks the free space for images and disks. */
export async function disk(host: Host, { vms, images }: Needs): Promise<Finding[]> {
  const builds = images.some(({ kind }) => kind !== "file");
  const wanted = vms.reduce((sum, { diskGib }) => sum + diskGib, 0);
  const [forDisks, forBuilds] = [(await host.freeBytes(POOLS)) / GIB, (await host.freeBytes(CACHE)) / GIB];
  const disks = `${forDisks.toFixed(0)} GiB free in /${POOLS}; ${vms.length} disks may grow to ${wanted}`;
  const findings = [
    forDisks < BUILD_GIB
      ? fail("disks", disks, `delete files there, or mount a larger disk on /${POOLS}`)
      : forDisks < wanted
        ? note("disks", disks, "disks grow as machines write: watch the free space, or lower `disk_gb`")
        : pass("disks", disks),
  ];
  if (builds) {
    const found = `${forBuilds.toFixed(0)} GiB free in /${CACHE}; building an image needs ${BUILD_GIB}`;
    findings.push(
      forBuilds < BUILD_GIB ? fail("images", found, "delete files there") : pass("images", found),
    );
  }
  return findings;
}
