import type { InvokeType } from "../framework/resource.ts";
import { connect, type Libvirt, type LibvirtConfig, whileReachable } from "./virsh.ts";
import { Xml } from "./xml.ts";

/** A PCI device of the host. */
export interface PciDevice {
  /** `0000:65:00.0`. */
  address: string;
  vendor: string;
  /** Four hexadecimal digits. */
  vendorId: string;
  product: string;
  /** Four hexadecimal digits. */
  productId: string;
  /** Six hexadecimal digits: `030000` is a VGA controller. */
  class: string;
  /** Its present kernel driver; empty without one. */
  driver: string;
  /** Number of its IOMMU group, and -1 without an IOMMU. */
  iommuGroup: number;
  /** Addresses of the devices in its IOMMU group, itself included: all must be assigned to the same machine. */
  iommuGroupMembers: string[];
  /** Kinds of mediated devices that it offers. */
  mdevTypes: { id: string; name: string; available: number }[];
}

/** The host's devices, and whether it can assign them. */
export interface HostDevicesResult {
  devices: PciDevice[];
  /** Whether devices can be assigned to machines. */
  iommu: boolean;
  /** Why not, and what to do; empty if they can. */
  reason: string;
}

/** Lists the PCI devices of libvirt's host. */
export const hostDevices: InvokeType<LibvirtConfig, Record<string, unknown>, Record<string, unknown>> = {
  token: "libvirt:index:hostDevices",
  args: {},
  async call(_args, context): Promise<Record<string, unknown>> {
    const libvirt = connect(context);
    const result = await whileReachable<HostDevicesResult>(
      libvirt,
      async () => describe((await dump(libvirt)).map(parsePciDevice)),
      () => ({ devices: [], iommu: false, reason: "libvirt does not run yet" }),
    );
    return { ...result };
  },
};

/** All devices by one run of virsh: a server has hundreds. */
async function dump(libvirt: Libvirt): Promise<Xml[]> {
  const names = (await libvirt.run("nodedev-list", "--cap", "pci"))
    .split("\n")
    .map((line) => line.trim())
    // The names go into one command line of virsh.
    .filter((line) => /^pci_[0-9a-f_]+$/.test(line));
  if (names.length === 0) return [];
  const text = await libvirt.run(names.map((name) => `nodedev-dumpxml ${name}`).join("; "));
  return text
    .split(/(?<=<\/device>)/)
    .filter((part) => part.includes("<device>"))
    .map((part) => Xml.parse(part));
}

/** The result for these devices, with a reason if none can be assigned. */
export function describe(devices: PciDevice[]): HostDevicesResult {
  const iommu = devices.some((device) => device.iommuGroup >= 0);
  const reason = iommu
    ? ""
    : devices.length === 0
      ? "libvirt knows no PCI devices of this host: is udev running?"
      : "the host has no IOMMU: turn on VT-d or AMD-Vi in its firmware and, on Intel, boot with intel_iommu=on";
  return { devices, iommu, reason };
}

/** A device from libvirt's node device XML. */
export function parsePciDevice(device: Xml): PciDevice {
  const pci = device.children("capability").find((capability) => capability.attribute("type") === "pci");
  const group = pci?.child("iommuGroup");
  const types = pci
    ?.children("capability")
    .find((capability) => capability.attribute("type") === "mdev_types")
    ?.children("type");
  const number = (name: string) => Number(pci?.child(name)?.text ?? "0");
  return {
    address: address(number("domain"), number("bus"), number("slot"), number("function")),
    vendor: pci?.child("vendor")?.text ?? "",
    vendorId: (pci?.child("vendor")?.attribute("id") ?? "").replace(/^0x/, ""),
    product: pci?.child("product")?.text ?? "",
    productId: (pci?.child("product")?.attribute("id") ?? "").replace(/^0x/, ""),
    class: (pci?.child("class")?.text ?? "").replace(/^0x/, ""),
    driver: device.child("driver", "name")?.text ?? "",
    iommuGroup: Number(group?.attribute("number") ?? "-1"),
    iommuGroupMembers: (group?.children("address") ?? []).map((member) =>
      address(
        Number(member.attribute("domain")),
        Number(member.attribute("bus")),
        Number(member.attribute("slot")),
        Number(member.attribute("function")),
      ),
    ),
    mdevTypes: (types ?? []).map((type) => ({
      id: type.attribute("id") ?? "",
      name: type.child("name")?.text ?? "",
      available: Number(type.child("availableInstances")?.text ?? "0"),
    })),
  };
}

function address(domain: number, bus: number, slot: number, fn: number): string {
  const hex = (value: number, width: number) => value.toString(16).padStart(width, "0");
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(slot, 2)}.${fn}`;
}
