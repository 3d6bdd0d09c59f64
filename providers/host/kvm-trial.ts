import { access, constants, mkdir, readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { execa } from "execa";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";

// With KVM a kernel prints its first line within a second; with a broken nested KVM it never does.
const TRIAL_SECONDS = 8;
const DEVICE = "/dev/kvm";
const MEMORY = resolve(import.meta.dirname, "../..", ".ai-how/cache/kvm-trial.json");

const memorySchema = z.object({ of: z.string(), complaint: z.string().nullable() });

/**
 * Tries whether a kernel boots with KVM on this host: undefined if it does, else the reason, in half a sentence. A failed trial
 * takes seconds, so the result is cached until the host reboots, /dev/kvm is created anew, or the kernel is another file.
 */
export async function tryKvm(
  kernel: string,
  signal: AbortSignal,
  { memory = MEMORY, trial = boot }: { memory?: string; trial?: typeof boot } = {},
): Promise<string | undefined> {
  try {
    await access(DEVICE, constants.R_OK | constants.W_OK);
  } catch {
    return `${DEVICE} cannot be opened`;
  }
  const of = await identity(kernel);
  const remembered = await recall(memory);
  if (remembered?.of === of) return remembered.complaint ?? undefined;
  const complaint = await trial(kernel, signal);
  if (!signal.aborted) {
    await mkdir(dirname(memory), { recursive: true });
    await writeFileAtomic(memory, `${JSON.stringify({ of, complaint: complaint ?? null })}\n`);
  }
  return complaint;
}

/** What a cached result is valid for: this boot of the host, this /dev/kvm and this kernel. */
async function identity(kernel: string): Promise<string> {
  const bootId = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
  const { ino, ctimeMs } = await stat(DEVICE);
  return [bootId.trim(), ino, ctimeMs, kernel].join(" ");
}

async function recall(memory: string): Promise<z.output<typeof memorySchema> | undefined> {
  const text = await readFile(memory, "utf8").catch(() => "null");
  try {
    return memorySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // damaged: the next trial writes it again
  }
}

/** Boots a kernel without a disk under KVM; undefined if it printed its version, else the reason. */
async function boot(kernel: string, signal: AbortSignal): Promise<string | undefined> {
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
