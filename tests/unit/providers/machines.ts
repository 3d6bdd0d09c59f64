import { Provider } from "../../../providers/framework/provider.ts";
import { type DomainInputs, domainSchemas } from "../../../providers/libvirt/domain-inputs.ts";
import { type NetworkInputs, networkSchemas } from "../../../providers/libvirt/network-inputs.ts";
import { libvirt } from "../../../providers/libvirt/provider.ts";
import { z } from "zod";

/** Each of our UUIDs in tests. */
export const uuid = "11111111-2222-5333-8444-555555555555";

/** A domain with its defaults, and what a test cares about. */
export function domainInputs(raw: Readonly<Record<string, unknown>>): DomainInputs {
  return z.object(domainSchemas).parse({
    name: "dev-controller",
    type: "qemu",
    arch: "x86_64",
    vcpus: 2,
    memory: 2048,
    ...raw,
  });
}

/** A network with its defaults, and what a test cares about. */
export function networkInputs(raw: Readonly<Record<string, unknown>>): NetworkInputs {
  return z.object(networkSchemas).parse({ name: "dev", subnet: "192.168.100.0/24", ...raw });
}

/** The libvirt provider, connected to nothing. */
export function libvirtProvider(): Provider {
  const provider = new Provider(libvirt);
  provider.configure({ uri: "test:///default" });
  return provider;
}

export const machines = {
  "domain-kernel-boot": domainInputs({
    boot: {
      kernel: "/images/vmlinuz",
      initrd: "/images/initrd",
      cmdline: 'root=/dev/vda console=ttyS0 quote="&<>"',
    },
    cpu: {
      mode: "custom",
      model: "Nehalem",
      features: [{ name: "aes" }, { name: "vmx", policy: "disable" }],
    },
    machine: "pc",
    disks: [
      { volume: "/pool/root.qcow2", generation: "g1", cache: "unsafe" },
      { volume: "/pool/data.raw", format: "raw", serial: "data" },
      { volume: "/pool/seed.iso", format: "raw", device: "cdrom" },
    ],
    interfaces: [{ network: "dev", mac: "52:54:00:AA:BB:01" }, { network: "storage" }],
    consoleLog: "/console/controller.log",
  }),
  "domain-uefi-disk-boot": domainInputs({
    type: "kvm",
    firmware: "uefi",
    disks: [{ volume: "/pool/root.qcow2" }, { volume: "/pool/scratch.qcow2", bus: "scsi" }],
  }),
  "domain-uefi-aarch64": domainInputs({
    type: "kvm",
    arch: "aarch64",
    firmware: "uefi",
    disks: [{ volume: "/a" }],
  }),
  "domain-virtiofs": domainInputs({
    mounts: [
      { source: "/home/me/data", tag: "data" },
      { source: "/srv/models", tag: "models" },
    ],
  }),
  "domain-pci": domainInputs({
    type: "kvm",
    hostDevices: [
      { type: "pci", address: "0000:65:00.0" },
      { type: "pci", address: "0000:65:00.1", managed: false },
    ],
  }),
  "domain-mdev": domainInputs({
    type: "kvm",
    hostDevices: [{ type: "mdev", uuid: "0c8a5e4e-6a43-4e8b-9d56-1f3f6d8f2b11" }],
  }),
  // A virtual function whose own driver, NVIDIA's, speaks VFIO: libvirt leaves it where it is.
  "domain-vendor-vfio": domainInputs({
    type: "kvm",
    sharedMemory: true,
    hostDevices: [{ type: "pci", address: "0000:3d:00.4", managed: false }],
  }),
  "domain-hugepages-pinning": domainInputs({
    type: "kvm",
    memory: 4096,
    vcpus: 4,
    hugepages: 2048,
    cpu: { mode: "host-passthrough", topology: { sockets: 1, cores: 2, threads: 2 } },
    cpuPinning: [
      { vcpu: 0, cpus: "2" },
      { vcpu: 1, cpus: "3,^5" },
    ],
    mounts: [{ source: "/srv", tag: "srv" }],
  }),
  "domain-numa": domainInputs({
    type: "kvm",
    memory: 3072,
    vcpus: 3,
    sharedMemory: true,
    numaCells: [
      { cpus: "0-1", memory: 2048 },
      { cpus: "2", memory: 1024 },
    ],
  }),
};

export const networks = {
  "network-nat": networkInputs({
    bridge: "virbr-dev",
    domain: "dev.local",
    dhcp: { start: "192.168.100.10", end: "192.168.100.254" },
    leases: [
      { mac: "52:54:00:00:00:01", address: "192.168.100.10", name: "controller" },
      { mac: "52:54:00:00:00:02", address: "192.168.100.11" },
    ],
    hosts: [{ address: "192.168.100.1", names: ["gateway", "ntp"] }],
    forwarders: [{ address: "9.9.9.9" }, { address: "192.168.110.1", domain: "cloud.local" }],
  }),
  "network-isolated": networkInputs({ mode: "isolated", gateway: "192.168.100.254" }),
  "network-open": networkInputs({ mode: "open", subnet: "10.1.0.0/16", mtu: 9000 }),
};
