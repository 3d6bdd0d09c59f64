import type { Site } from "../../../config/index.ts";
import { ansible, engine, packer, program } from "../common.ts";
import { fail, note, pass, type Finding } from "../finding.ts";
import type { Host } from "../host.ts";
import { devices, iommu } from "./devices.ts";
import { apparmor, dockerBesideLibvirt, emulator, libvirtd, virtlogd } from "./libvirt.ts";
import { hugePages, kvm, kvmOfLibvirt, memory } from "./processor.ts";
import { disk, firmware, folders, virtiofsd } from "./storage.ts";
import { needsOf } from "./needs.ts";

export interface Workstation {
  /** The project's folder. */
  readonly root: string;
  readonly site: Site;
  readonly libvirtUri: string;
}

// The purpose of each program; `make setup` installs all of them.
const PROGRAMS: Readonly<Record<string, string>> = {
  virsh: "controls libvirt",
  "qemu-img": "creates disks",
  "ssh-keygen": "makes SSH keys",
  nc: "connects to libvirt on another host",
};

/** Checks everything that a workstation's cluster file needs on the host. */
export async function diagnoseWorkstation(
  host: Host,
  { root, site, libvirtUri }: Workstation,
): Promise<Finding[]> {
  const needs = needsOf(site);
  const wantsPacker = needs.images.some(({ kind }) => kind === "packer");
  const everywhere = [
    ...Object.entries(PROGRAMS)
      .filter(([name]) => name !== "nc" || libvirtUri.includes("+ssh:"))
      .map(([name, purpose]) => program(host, name, purpose)),
    ansible(root),
    engine(),
    ...(wantsPacker ? [packer()] : []),
    ...(needs.images.some(isMadeOfPackages)
      ? [program(host, "mmdebstrap", "builds the images of the cluster file")]
      : []),
  ];
  if (needs.vms.length === 0) return Promise.all(everywhere);
  if (!/^qemu(\+unix)?:\/\/\//.test(libvirtUri)) {
    const found = `${libvirtUri} is another machine, which was not checked`;
    return [
      ...(await Promise.all(everywhere)),
      note("libvirt", found, "run `ai-how doctor workstation` there"),
    ];
  }
  const found = (
    await Promise.all([
      ...everywhere,
      libvirtd(host, libvirtUri),
      virtlogd(host),
      emulator(host),
      apparmor(host, libvirtUri),
      dockerBesideLibvirt(host),
      kvm(host, needs),
      kvmOfLibvirt(host),
      memory(host, needs),
      hugePages(host, needs),
      iommu(host, needs),
      devices(host, needs),
      virtiofsd(host, needs),
      folders(host, needs),
      firmware(host, needs),
      disk(host, needs),
    ])
  ).flat();
  return [user(host, needs.claims.size > 0), ...found];
}

function isMadeOfPackages(image: ReturnType<typeof needsOf>["images"][number]): boolean {
  return image.kind === "built" || (image.kind === "packer" && image.source === "mmdebstrap");
}

function user({ uid }: Host, takesDevices: boolean): Finding {
  if (uid === 0) return pass("user", "root");
  const found = "not root";
  return takesDevices
    ? fail("user", `${found}, which binding devices to VFIO needs`, "run with sudo")
    : note("user", `${found}, which libvirt's system connection may need`, "run with sudo");
}
