import { driverReport, gpuNodes } from "./gpu-nodes.ts";
import type { Guest, VerifyContext } from "./context.ts";
import {
  attempt,
  failed,
  lastLine,
  notTried,
  passed,
  succeeded,
  STACK_IS_DOWN,
  type Outcome,
  type Result,
} from "./step.ts";

// Prints for each NVIDIA GPU its address and its PCI regions (BARs).
const REGIONS = String.raw`for device in /sys/bus/pci/devices/*; do
  read -r vendor <"$device/vendor"; read -r class <"$device/class"
  case $vendor:$class in 0x10de:0x03*) echo "device $(basename "$device")"; head -n 6 "$device/resource";; esac
done`;
const SEE_DMESG = "look at dmesg in the machine";
const MIB = 1024 ** 2;
// The first region holds the registers and has 16 MiB. The region for the GPU's memory is larger.
const SMALLEST_WINDOW = 64 * MIB;

/** Verifies in each machine with GPUs that firmware, kernel and driver can use them. */
export async function* verifyGpus(context: VerifyContext): AsyncGenerator<Result> {
  const nodes = gpuNodes(context);
  if (nodes.length === 0)
    yield await attempt("GPUs", undefined, () => notTried("the cluster file has no GPU"));
  for (const { node, planned, guest } of nodes) {
    const steps: readonly (readonly [string, (guest: Guest) => Promise<Outcome>])[] = [
      ["BARs", (on) => regions(on, planned.length)],
      ["driver of the running kernel", driver],
      ["nvidia-smi", (on) => answers(on, planned.length)],
      ["as planned", asPlanned],
    ];
    for (const [step, work] of steps)
      yield await attempt(step, node.name, () => (guest === undefined ? STACK_IS_DOWN : work(guest)));
  }
}

async function regions(guest: Guest, expected: number): Promise<Outcome> {
  const result = await guest.run("sh", "-c", REGIONS);
  if (!succeeded(result))
    return failed(lastLine(result), "check with `ai-how status` that the machine answers");
  const devices = result.stdout.split(/^device /m).slice(1);
  const words: string[] = [];
  for (const device of devices) {
    const [address = "", ...lines] = device.trim().split("\n");
    const sizes = lines.map(size);
    if (sizes.some((each) => each === undefined))
      return failed(
        `${address}: a region has no address`,
        "look at dmesg in the machine; its firmware has too little address space",
        result.output,
      );
    const largest = Math.max(0, ...sizes.map((each) => each ?? 0));
    if (largest < SMALLEST_WINDOW)
      return failed(`${address}: its largest region is ${largest / MIB} MiB`, SEE_DMESG, result.output);
    words.push(`${address} ${largest / MIB} MiB`);
  }
  if (devices.length !== expected)
    return failed(
      `the machine has ${devices.length} GPUs, the plan ${expected}`,
      "run `ai-how inventory gpu` on the host",
    );
  return passed(words.join(", "), result.output);
}

/** Bytes of a region, which the kernel writes as `0x first 0x last 0x flags`; 0: no region; undefined: a region without address. */
function size(line: string): number | undefined {
  const [first = 0, last = 0, flags = 0] = line.split(" ").map(Number);
  if (flags === 0) return 0;
  return first === 0 && last === 0 ? undefined : last - first + 1;
}

async function driver(guest: Guest): Promise<Outcome> {
  const [kernel, magic, loaded] = [
    await guest.run("uname", "-r"),
    await guest.run("modinfo", "-F", "vermagic", "nvidia"),
    await guest.run("cat", "/proc/driver/nvidia/version"),
  ];
  const running = kernel.kind === "ended" ? kernel.stdout.trim() : "";
  const of = magic.kind === "ended" ? (magic.stdout.trim().split(" ")[0] ?? "") : "";
  if (!succeeded(magic) || of !== running)
    return failed(
      succeeded(magic) ? `the module is for ${of}, but ${running} runs` : `no module for ${running}`,
      "install the headers of the running kernel and look at `dkms status` in the machine, or boot the other kernel",
    );
  if (!succeeded(loaded))
    return failed("the module is not loaded", "run `modprobe nvidia` in the machine, and look at dmesg");
  const version = /NVRM version:.*?(\d+\.\d+(?:\.\d+)?)/.exec(loaded.stdout)?.[1] ?? "";
  const kind = loaded.stdout.includes("Open Kernel Module") ? "open" : "proprietary";
  return passed(`${version}, ${kind}, for ${running}`);
}

async function answers(guest: Guest, expected: number): Promise<Outcome> {
  const report = await driverReport(guest);
  if (report === undefined)
    return failed(
      lastLine(await guest.run("nvidia-smi")),
      "look at dmesg in the machine; `ai-how doctor gpu` has remedies",
    );
  const names = report.gpus.map(({ name }) => name).join(", ");
  if (report.gpus.length !== expected)
    return failed(`${report.gpus.length} of ${expected} GPUs: ${names}`, SEE_DMESG);
  return passed(`${names}; driver ${report.version}, CUDA ${report.cuda}`);
}

async function asPlanned(guest: Guest): Promise<Outcome> {
  const result = await guest.run("ai-how-gpus", "verify");
  if (succeeded(result)) return passed("models, driver and partitions");
  return failed(
    lastLine(result),
    "run `ai-how up`, or `ai-how-gpus apply` in the machine",
    result.kind === "ended" ? result.output : undefined,
  );
}
