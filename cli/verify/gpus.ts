import { driverReport, gpuNodes } from "./gpu-nodes.ts";
import {
  attempt,
  failed,
  lastLine,
  notTried,
  passed,
  succeeded,
  type Ground,
  type Guest,
  type Outcome,
  type Result,
} from "./step.ts";

// Each device of NVIDIA's that computes or shows something: its address, then its regions as the kernel has them.
const REGIONS = String.raw`for device in /sys/bus/pci/devices/*; do
  read -r vendor <"$device/vendor"; read -r class <"$device/class"
  case $vendor:$class in 0x10de:0x03*) echo "device $(basename "$device")"; head -n 6 "$device/resource";; esac
done`;
const MIB = 1024 ** 2;
// The first region of every GPU, its registers, is 16 MiB; its memory is behind a larger one.
const SMALLEST_WINDOW = 64 * MIB;
const NOT_UP = "the stack is not up: `ai-how up`, then verify again";

/** In each machine that has GPUs: whether firmware, kernel and driver have them. */
export async function* verifyGpus(ground: Ground): AsyncGenerator<Result> {
  const nodes = gpuNodes(ground);
  if (nodes.length === 0)
    yield await attempt("GPUs", undefined, () => Promise.resolve(notTried("the cluster file has none")));
  for (const { node, planned, guest } of nodes) {
    const steps: readonly (readonly [string, (guest: Guest) => Promise<Outcome>])[] = [
      ["BARs", (on) => regions(on, planned.length)],
      ["driver of the running kernel", driver],
      ["nvidia-smi", (on) => answers(on, planned.length)],
      ["as planned", asPlanned],
    ];
    for (const [step, work] of steps)
      yield await attempt(step, node.name, () =>
        guest === undefined ? Promise.resolve(notTried(NOT_UP)) : work(guest),
      );
  }
}

async function regions(guest: Guest, expected: number): Promise<Outcome> {
  const said = await guest.run("sh", "-c", REGIONS);
  if (!succeeded(said)) return failed(lastLine(said), "see whether the machine answers: `ai-how status`");
  const devices = said.stdout.split(/^device /m).slice(1);
  const words: string[] = [];
  for (const device of devices) {
    const [address = "", ...lines] = device.trim().split("\n");
    const sizes = lines.map(size);
    if (sizes.some((each) => each === undefined))
      return failed(
        `${address}: a region has no address`,
        "see dmesg there; the machine's firmware has too little room",
        said.output,
      );
    const largest = Math.max(0, ...sizes.map((each) => each ?? 0));
    if (largest < SMALLEST_WINDOW)
      return failed(`${address}: its largest region is ${largest / MIB} MiB`, "see dmesg there", said.output);
    words.push(`${address} ${largest / MIB} MiB`);
  }
  if (devices.length !== expected)
    return failed(
      `${devices.length} GPUs are there, ${expected} were given to it`,
      "`ai-how inventory gpu` on the host",
    );
  return passed(words.join(", "), said.output);
}

/** Bytes of a region, `0x first 0x last 0x flags`; 0: there is none; undefined: it was given no address. */
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
  const running = kernel.kind === "said" ? kernel.stdout.trim() : "";
  const of = magic.kind === "said" ? (magic.stdout.trim().split(" ")[0] ?? "") : "";
  if (!succeeded(magic) || of !== running)
    return failed(
      succeeded(magic) ? `it is for ${of}, and ${running} runs` : `there is none for ${running}`,
      "install the headers of that kernel, see `dkms status` there, or reboot it into the kernel that has one",
    );
  if (!succeeded(loaded)) return failed("it is not loaded", "modprobe nvidia there, and see dmesg");
  const version = /NVRM version:.*?(\d+\.\d+(?:\.\d+)?)/.exec(loaded.stdout)?.[1] ?? "";
  const kind = loaded.stdout.includes("Open Kernel Module") ? "open" : "proprietary";
  return passed(`${version}, ${kind}, for ${running}`);
}

async function answers(guest: Guest, expected: number): Promise<Outcome> {
  const report = await driverReport(guest);
  if (report === undefined)
    return failed(
      lastLine(await guest.run("nvidia-smi")),
      "see dmesg there; `ai-how doctor gpu` has remedies",
    );
  const names = report.gpus.map(({ name }) => name).join(", ");
  if (report.gpus.length !== expected)
    return failed(`${report.gpus.length} GPUs of ${expected}: ${names}`, "see dmesg there");
  return passed(`${names}; driver ${report.version}, CUDA ${report.cuda}`);
}

async function asPlanned(guest: Guest): Promise<Outcome> {
  const said = await guest.run("ai-how-gpus", "verify");
  if (succeeded(said)) return passed("models, driver and partitions");
  return failed(
    lastLine(said),
    "ai-how-gpus apply, there; `ai-how up` does it as well",
    said.kind === "said" ? said.output : undefined,
  );
}
