import { devicesXml } from "./domain-devices-xml.ts";
import type { DomainCpu, DomainInputs, DomainNumaCell } from "./domain-inputs.ts";
import type { XmlElement } from "./xml.ts";

/** XML for `define`. */
export function domainXml(inputs: DomainInputs, uuid: string): XmlElement {
  const isX86 = inputs.arch === "x86_64";
  return {
    domain: {
      "@type": inputs.type,
      name: inputs.name,
      uuid,
      memory: { "@unit": "MiB", "#text": inputs.memory },
      memoryBacking: memoryXml(inputs),
      vcpu: { "@placement": "static", "#text": inputs.vcpus },
      cputune:
        inputs.cpuPinning.length === 0
          ? undefined
          : { vcpupin: inputs.cpuPinning.map(({ vcpu, cpus }) => ({ "@vcpu": vcpu, "@cpuset": cpus })) },
      os: {
        "@firmware": inputs.firmware === "uefi" ? "efi" : undefined,
        type: {
          "@arch": inputs.arch,
          "@machine": inputs.machine ?? defaultMachine(inputs.arch),
          "#text": "hvm",
        },
        // Secure Boot has no keys for images that a user built and drivers that DKMS built.
        firmware:
          inputs.firmware === "uefi"
            ? {
                feature: ["enrolled-keys", "secure-boot"].map((name) => ({
                  "@enabled": "no",
                  "@name": name,
                })),
              }
            : undefined,
        ...(inputs.boot ?? { boot: { "@dev": "hd" } }),
      },
      // Without UEFI an Arm kernel needs a device tree, which QEMU generates.
      features: isX86 ? { acpi: {}, apic: {} } : inputs.firmware === "uefi" ? { acpi: {} } : {},
      cpu: cpuXml(inputs),
      clock: { "@offset": "utc" },
      on_poweroff: "destroy",
      on_reboot: "restart",
      on_crash: "destroy",
      devices: devicesXml(inputs, uuid),
    },
  };
}

/** The default machine type. */
export function defaultMachine(arch: DomainInputs["arch"]): string {
  return arch === "x86_64" ? "q35" : "virt";
}

function memoryXml({ mounts, hugepages, sharedMemory }: DomainInputs): XmlElement | undefined {
  const isShared = sharedMemory || mounts.length > 0;
  if (!isShared && hugepages === undefined) return undefined;
  return {
    hugepages: hugepages === undefined ? undefined : { page: { "@size": hugepages, "@unit": "KiB" } },
    // virtiofsd maps the guest's memory, so it must be a shared file.
    ...(isShared ? { source: { "@type": "memfd" }, access: { "@mode": "shared" } } : {}),
  };
}

function cpuXml({ type, cpu, numaCells }: DomainInputs): XmlElement | undefined {
  const { mode, model, features, topology }: DomainCpu = cpu ?? { mode: "host-passthrough", features: [] };
  const numa = numaCells.length === 0 ? undefined : { cell: numaCells.map(numaCellXml) };
  if (cpu === undefined && type === "qemu") return numa && { numa };
  return {
    "@mode": mode,
    ...(mode === "custom" ? { "@match": "exact" } : {}),
    model: model === undefined ? undefined : { "@fallback": "forbid", "#text": model },
    topology:
      topology === undefined
        ? undefined
        : {
            "@sockets": topology.sockets,
            "@dies": 1,
            "@cores": topology.cores,
            "@threads": topology.threads,
          },
    feature: features.map(({ name, policy }) => ({ "@policy": policy, "@name": name })),
    numa,
  };
}

function numaCellXml({ cpus, memory }: DomainNumaCell, id: number): XmlElement {
  return { "@id": id, "@cpus": cpus, "@memory": memory, "@unit": "MiB" };
}
