import type * as pulumi from "@pulumi/pulumi";
import type { DomainCpuArgs } from "../../providers/libvirt/resources.ts";

/** What VMs of one host have in common. */
export interface Platform {
  /** libvirt's name of the processor architecture. */
  readonly arch: "x86_64" | "aarch64";
  /** libvirt's domain type. */
  readonly type: pulumi.Output<"kvm" | "qemu">;
  /** QEMU's machine type. */
  readonly machine: pulumi.Output<string>;
  readonly cpu: pulumi.Output<DomainCpuArgs>;
  /** What a kernel that is booted directly is told; may be empty. */
  readonly kernelArguments: pulumi.Output<string>;
}

export interface CpuFeature {
  readonly name: string;
  readonly policy: "require" | "disable" | "optional";
}

export interface PlatformArgs {
  arch: "x86_64" | "aarch64";
  type: pulumi.Output<"kvm" | "qemu">;
  /** What guests see with KVM; on aarch64 it is the host's own processor. Default `host-passthrough`. */
  cpuModel?: "host-passthrough" | "host-model" | "qemu64";
  /** On top of the model, on x86_64 with KVM. Default none. */
  features?: readonly CpuFeature[];
}

const QEMU64 = { mode: "custom" as const, model: "qemu64" };

// Under emulation, each of these is a tenth of a boot: what Linux does against speculative execution, which guards nothing in code
// that QEMU has translated, and its tests of its own ciphers.
const EMULATED_KERNEL = "mitigations=off cryptomgr.notests";

/** The platform of a host. Under emulation the processor is the leanest that boots. */
export function platformOf({ arch, type, cpuModel, features = [] }: PlatformArgs): Platform {
  const isEmulated = (type: "kvm" | "qemu"): boolean => type === "qemu";
  return {
    arch,
    type,
    // The plain PC boots fastest under emulation; nothing here needs more.
    machine: type.apply((type) => (arch === "aarch64" ? "virt" : isEmulated(type) ? "pc" : "q35")),
    cpu: type.apply((type) => (isEmulated(type) ? emulatedCpu(arch) : hostCpu(arch, cpuModel, features))),
    kernelArguments: type.apply((type) => (isEmulated(type) ? EMULATED_KERNEL : "")),
  };
}

function emulatedCpu(arch: Platform["arch"]): DomainCpuArgs {
  if (arch === "aarch64") return { mode: "custom", model: "cortex-a57" };
  // Without what would have Linux load KVM.
  return { ...QEMU64, features: [{ name: "svm", policy: "disable" }] };
}

function hostCpu(
  arch: Platform["arch"],
  cpuModel: PlatformArgs["cpuModel"] = "host-passthrough",
  features: readonly CpuFeature[],
): DomainCpuArgs {
  // libvirt knows no models of Arm processors.
  if (arch === "aarch64") return { mode: "host-passthrough" };
  return {
    ...(cpuModel === "qemu64" ? QEMU64 : { mode: cpuModel }),
    ...(features.length > 0 && { features: [...features] }),
  };
}
