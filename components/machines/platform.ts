import type * as pulumi from "@pulumi/pulumi";
import type { DomainCpuArgs } from "../../providers/libvirt/resources.ts";

/** Settings that all VMs of a host share. */
export interface Platform {
  /** libvirt's name of the processor architecture. */
  readonly arch: "x86_64" | "aarch64";
  /** libvirt's domain type. */
  readonly type: pulumi.Output<"kvm" | "qemu">;
  /** QEMU's machine type. */
  readonly machine: pulumi.Output<string>;
  readonly cpu: pulumi.Output<DomainCpuArgs>;
  /** Further arguments of a kernel that boots directly; may be empty. */
  readonly kernelArguments: pulumi.Output<string>;
}

export interface CpuFeature {
  readonly name: string;
  readonly policy: "require" | "disable" | "optional";
}

export interface PlatformArgs {
  arch: "x86_64" | "aarch64";
  type: pulumi.Output<"kvm" | "qemu">;
  /** CPU model of guests with KVM; on aarch64 always `host-passthrough`. Default: `host-passthrough`. */
  cpuModel?: "host-passthrough" | "host-model" | "qemu64";
  /** Changes to the model, on x86_64 with KVM. Default: none. */
  features?: readonly CpuFeature[];
}

const QEMU64 = { mode: "custom" as const, model: "qemu64" };

// Each saves a tenth of the boot time under emulation. QEMU's translated code needs no mitigations against speculative
// execution, and Linux need not test its ciphers.
const EMULATED_KERNEL = "mitigations=off cryptomgr.notests";

/** The platform of a host. Under emulation it has the simplest CPU that boots. */
export function platformOf({ arch, type, cpuModel, features = [] }: PlatformArgs): Platform {
  const isEmulated = (type: "kvm" | "qemu"): boolean => type === "qemu";
  return {
    arch,
    type,
    // The machine type `pc` boots fastest under emulation.
    machine: type.apply((type) => (arch === "aarch64" ? "virt" : isEmulated(type) ? "pc" : "q35")),
    cpu: type.apply((type) => (isEmulated(type) ? emulatedCpu(arch) : hostCpu(arch, cpuModel, features))),
    kernelArguments: type.apply((type) => (isEmulated(type) ? EMULATED_KERNEL : "")),
  };
}

function emulatedCpu(arch: Platform["arch"]): DomainCpuArgs {
  if (arch === "aarch64") return { mode: "custom", model: "cortex-a57" };
  // Without `svm`, Linux does not load KVM.
  return { ...QEMU64, features: [{ name: "svm", policy: "disable" }] };
}

function hostCpu(
  arch: Platform["arch"],
  cpuModel: PlatformArgs["cpuModel"] = "host-passthrough",
  features: readonly CpuFeature[],
): DomainCpuArgs {
  // libvirt has no CPU models for Arm.
  if (arch === "aarch64") return { mode: "host-passthrough" };
  return {
    ...(cpuModel === "qemu64" ? QEMU64 : { mode: cpuModel }),
    ...(features.length > 0 && { features: [...features] }),
  };
}
