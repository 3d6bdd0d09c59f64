import { describe, expect, it } from "vitest";
import { describe as summary, parsePciDevice } from "../../../providers/libvirt/host-devices.ts";
import { Xml } from "../../../providers/libvirt/xml.ts";

const gpu = parsePciDevice(
  Xml.parse(`<device>
  <name>pci_0000_65_00_0</name>
  <driver><name>nvidia</name></driver>
  <capability type='pci'>
    <class>0x030000</class>
    <domain>0</domain><bus>101</bus><slot>0</slot><function>0</function>
    <product id='0x20b5'>GA100 [A100 PCIe 80GB]</product>
    <vendor id='0x10de'>NVIDIA Corporation</vendor>
    <capability type='mdev_types'>
      <type id='nvidia-1053'><name>GRID A100D-1-10C</name><deviceAPI>vfio-pci</deviceAPI><availableInstances>7</availableInstances></type>
    </capability>
    <iommuGroup number='15'>
      <address domain='0x0000' bus='0x65' slot='0x00' function='0x0'/>
      <address domain='0x0000' bus='0x65' slot='0x00' function='0x1'/>
    </iommuGroup>
  </capability>
</device>`),
);

describe("hostDevices", () => {
  it("reads a GPU with its group and its mediated devices", () => {
    expect(gpu).toEqual({
      address: "0000:65:00.0",
      vendor: "NVIDIA Corporation",
      vendorId: "10de",
      product: "GA100 [A100 PCIe 80GB]",
      productId: "20b5",
      class: "030000",
      driver: "nvidia",
      iommuGroup: 15,
      iommuGroupMembers: ["0000:65:00.0", "0000:65:00.1"],
      mdevTypes: [{ id: "nvidia-1053", name: "GRID A100D-1-10C", available: 7 }],
    });
  });

  it("says why nothing can be given away", () => {
    expect(summary([gpu])).toMatchObject({ iommu: true, reason: "" });
    expect(summary([{ ...gpu, iommuGroup: -1 }]).reason).toContain("no IOMMU");
    expect(summary([]).reason).toContain("no PCI devices");
  });
});
