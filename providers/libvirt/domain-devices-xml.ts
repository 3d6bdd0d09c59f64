import type { DomainDisk, DomainHostDevice, DomainInputs } from "./domain-inputs.ts";
import { macOf } from "./identity.ts";
import type { XmlElement } from "./xml.ts";

/** The `<devices>` of a machine, as for a server: no graphics, sound, tablet or USB controller. */
export function devicesXml(inputs: DomainInputs, uuid: string): XmlElement {
  return {
    disk: disksXml(inputs.disks),
    controller: controllersXml(inputs.disks),
    filesystem: inputs.mounts.map((mount) => ({
      "@type": "mount",
      "@accessmode": "passthrough",
      driver: { "@type": "virtiofs" },
      source: { "@dir": mount.source },
      target: { "@dir": mount.tag },
    })),
    interface: inputs.interfaces.map((each, index) => ({
      "@type": "network",
      mac: { "@address": each.mac ?? macOf(uuid, index) },
      source: { "@network": each.network },
      model: { "@type": each.model },
    })),
    // For `virsh console`, and logged.
    serial: {
      "@type": "pty",
      log: inputs.consoleLog === undefined ? undefined : { "@file": inputs.consoleLog, "@append": "on" },
      target: { "@port": 0 },
    },
    hostdev: inputs.hostDevices.map(hostDeviceXml),
    memballoon: { "@model": "virtio" },
    rng: { "@model": "virtio", backend: { "@model": "random", "#text": "/dev/urandom" } },
  };
}

function disksXml(disks: readonly DomainDisk[]): XmlElement[] {
  const used = new Map<string, number>();
  return disks.map((disk) => {
    const prefix = targetPrefix(disk.bus);
    const index = used.get(prefix) ?? 0;
    used.set(prefix, index + 1);
    return {
      "@type": "file",
      "@device": disk.device,
      driver: { "@name": "qemu", "@type": disk.format, "@cache": disk.cache },
      source: { "@file": disk.volume },
      target: { "@dev": `${prefix}${letters(index)}`, "@bus": disk.bus },
      readonly: disk.readonly ? {} : undefined,
      serial: disk.serial,
    };
  });
}

function targetPrefix(bus: DomainDisk["bus"]): string {
  if (bus === "virtio") return "vd";
  return bus === "ide" ? "hd" : "sd";
}

/** a to z, then aa: as the kernel names disks. */
function letters(index: number): string {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last;
}

function controllersXml(disks: readonly DomainDisk[]): XmlElement[] {
  const has = (bus: DomainDisk["bus"]) => disks.some((disk) => disk.bus === bus);
  return [
    has("usb") ? { "@type": "usb", "@model": "qemu-xhci" } : { "@type": "usb", "@model": "none" },
    ...(has("scsi") ? [{ "@type": "scsi", "@model": "virtio-scsi" }] : []),
  ];
}

function hostDeviceXml(device: DomainHostDevice): XmlElement {
  if (device.type === "mdev") {
    return {
      "@mode": "subsystem",
      "@type": "mdev",
      "@model": "vfio-pci",
      source: { address: { "@uuid": device.uuid } },
    };
  }
  const [domain = "", bus = "", rest = ""] = device.address.split(":");
  const [slot = "", fn = ""] = rest.split(".");
  return {
    "@mode": "subsystem",
    "@type": "pci",
    "@managed": device.managed ? "yes" : "no",
    driver: { "@name": "vfio" },
    source: {
      address: {
        "@domain": `0x${domain}`,
        "@bus": `0x${bus}`,
        "@slot": `0x${slot}`,
        "@function": `0x${fn}`,
      },
    },
  };
}
