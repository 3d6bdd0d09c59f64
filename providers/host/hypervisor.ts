import { existsSync } from "node:fs";
import { release } from "node:os";
import { z } from "zod";
import { type Context, type InputsOf, ProviderError, resourceType } from "../framework/resource.ts";
import { tryKvm } from "./kvm-trial.ts";

export const hypervisorSchemas = {
  /** `auto` (default) uses KVM where a guest really boots with it, and software emulation elsewhere. */
  acceleration: z.enum(["auto", "kvm", "tcg"]).default("auto"),
  /** A Linux kernel for this machine's architecture, for the trial boot. Default: the host's own. */
  kernel: z.string().min(1).optional(),
};

export interface HypervisorOutputs {
  /** libvirt's domain type. */
  domainType: "kvm" | "qemu";
  /** The reason, in half a sentence. */
  because: string;
}

type HypervisorInputs = InputsOf<typeof hypervisorSchemas>;

/**
 * `host:index:Hypervisor`: whether VMs run by KVM or by software emulation. Nested virtualisation can hang an ordinary guest
 * although `/dev/kvm` exists, so a kernel is booted as a trial. Decided once and kept in the state.
 */
export const hypervisor = resourceType<unknown, HypervisorInputs, HypervisorInputs & HypervisorOutputs>({
  token: "host:index:Hypervisor",
  inputs: hypervisorSchemas,
  // Another kernel does not repeat the trial.
  changes: { acceleration: "update", kernel: "update" },
  deleteBeforeReplace: false,
  identify: () => "hypervisor",
  foresee: ({ acceleration }) =>
    acceleration === "auto"
      ? {}
      : { domainType: acceleration === "kvm" ? "kvm" : "qemu", because: "asked for" },
  create: async (inputs, context) => ({
    id: "hypervisor",
    inputs,
    state: { ...inputs, ...(await decide(inputs, context)) },
  }),
  read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
  update: async (id, was, inputs, context) => {
    const decision =
      was.inputs.acceleration === inputs.acceleration
        ? { domainType: was.state.domainType, because: was.state.because }
        : await decide(inputs, context);
    return { id, inputs, state: { ...inputs, ...decision } };
  },
  delete: () => Promise.resolve(),
});

async function decide(
  { acceleration, kernel }: HypervisorInputs,
  { log, signal }: Context<unknown>,
): Promise<HypervisorOutputs> {
  if (acceleration === "tcg") return { domainType: "qemu", because: "asked for" };
  const trialKernel = kernel ?? kernelOfHost();
  if (trialKernel === undefined && acceleration === "kvm") {
    return { domainType: "kvm", because: "asked for; there is no kernel for a trial" };
  }
  // Firmware would prove nothing: with a broken KVM it may run where a kernel hangs.
  const trial =
    trialKernel === undefined ? "there is no kernel for a trial of KVM" : await tryKvm(trialKernel, signal);
  if (trial === undefined) return { domainType: "kvm", because: "a kernel booted with KVM" };
  if (acceleration === "kvm") throw new ProviderError(`acceleration: kvm was asked for, but ${trial}`);
  log(`software emulation: ${trial}`);
  return { domainType: "qemu", because: trial };
}

/** The file of the kernel that this host runs. */
function kernelOfHost(): string | undefined {
  return [`/boot/vmlinuz-${release()}`, `/usr/lib/modules/${release()}/vmlinuz`].find((file) =>
    existsSync(file),
  );
}
