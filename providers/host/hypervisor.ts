import { existsSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { release } from "node:os";
import { execa } from "execa";
import { z } from "zod";
import { ProviderError, resourceType, type Context } from "../framework/resource.ts";

interface HypervisorInputs {
  /** `auto` uses KVM where a guest really boots with it. */
  acceleration: "auto" | "kvm" | "tcg";
  /** A Linux kernel for this machine's architecture, for the trial boot; undefined: that of this host. */
  kernel?: string | undefined;
}

interface HypervisorState extends HypervisorInputs {
  /** libvirt's domain type. */
  domainType: "kvm" | "qemu";
  /** Why, in half a sentence. */
  because: string;
}

// With KVM a kernel says its first word within a second; where nested KVM is broken it never does.
const TRIAL_SECONDS = 8;

/**
 * `host:index:Hypervisor`: whether VMs run by KVM or by software emulation. `/dev/kvm` alone proves nothing (nested
 * virtualisation can hang an ordinary guest), so a kernel is booted. Decided once and kept.
 */
export const hypervisor = resourceType<unknown, HypervisorInputs, HypervisorState>({
  token: "host:index:Hypervisor",
  inputs: {
    acceleration: z.enum(["auto", "kvm", "tcg"]).default("auto"),
    kernel: z.string().min(1).optional(),
  },
  // Another kernel is no reason to decide again.
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
): Promise<Pick<HypervisorState, "domainType" | "because">> {
  if (acceleration === "tcg") return { domainType: "qemu", because: "asked for" };
  const trialKernel = kernel ?? kernelOfHost();
  if (trialKernel === undefined && acceleration === "kvm") {
    return { domainType: "kvm", because: "asked for; there is no kernel to try it with" };
  }
  const trial = await tryKvm(trialKernel, signal);
  if (trial === undefined) return { domainType: "kvm", because: "a kernel booted with KVM" };
  if (acceleration === "kvm") throw new ProviderError(`acceleration: kvm was asked for, but ${trial}`);
  log(`software emulation: ${trial}`);
  return { domainType: "qemu", because: trial };
}

/** The kernel that this host runs, where its distribution keeps it. */
function kernelOfHost(): string | undefined {
  return [`/boot/vmlinuz-${release()}`, `/usr/lib/modules/${release()}/vmlinuz`].find((file) =>
    existsSync(file),
  );
}

/** Boots a kernel without a disk under KVM; undefined when it spoke, else why not. */
async function tryKvm(kernel: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  // Firmware is no substitute: where KVM is broken it may run, and a kernel hang.
  if (kernel === undefined) return "there is no kernel to try KVM with";
  try {
    await access("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch {
    return "/dev/kvm cannot be opened";
  }
  const emulator = `qemu-system-${process.arch === "arm64" ? "aarch64" : "x86_64"}`;
  const result = await execa(
    emulator,
    [
      ...["-accel", "kvm", "-cpu", "host", "-m", "256", "-display", "none", "-monitor", "none", "-no-reboot"],
      ...["-machine", process.arch === "arm64" ? "virt" : "pc", "-serial", "stdio", "-kernel", kernel],
      // Without a root file system the kernel panics, and with panic=-1 that ends the trial at once.
      ...["-append", `console=${process.arch === "arm64" ? "ttyAMA0" : "ttyS0"} panic=-1`],
    ],
    { timeout: TRIAL_SECONDS * 1000, reject: false, stdin: "ignore", cancelSignal: signal },
  );
  if (result.stdout.includes("Linux version")) return undefined;
  const complaint = result.timedOut ? "" : (result.stderr.trim().split("\n").at(-1) ?? "");
  return complaint === "" ? `no guest booted with KVM in ${TRIAL_SECONDS} s` : `KVM failed: ${complaint}`;
}
