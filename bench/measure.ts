import { readdir, readFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { execa } from "execa";
import { acceleration } from "./image.ts";

/** Time and memory of one run of a command. */
export interface Cost {
  /** Wall time. */
  readonly seconds: number;
  /** Peak resident memory of the command and its descendants. Shared pages count once per process. */
  readonly peakMib: number;
  readonly output: string;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

const SAMPLE_MILLISECONDS = 100;

/** Runs a command and returns the seconds. Throws its output if it fails. */
export async function time({
  file,
  args,
  cwd,
  env = {},
}: Command): Promise<{ seconds: number; output: string }> {
  const begun = performance.now();
  const { all } = await execa(file, [...args], { cwd, env, all: true, stdin: "ignore" });
  return { seconds: (performance.now() - begun) / 1000, output: all };
}

/** As `time`, but also measures memory. That takes ten samples a second and slows a busy machine down. */
export async function cost({ file, args, cwd, env = {} }: Command): Promise<Cost> {
  const begun = performance.now();
  const child = execa(file, [...args], { cwd, env, all: true, stdin: "ignore" });
  let peak = 0;
  const ended = new AbortController();
  const sampler = (async () => {
    while (!ended.signal.aborted && child.pid !== undefined) {
      peak = Math.max(peak, await residentKib(child.pid));
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MILLISECONDS));
    }
  })();
  try {
    const { all } = await child;
    return { seconds: (performance.now() - begun) / 1000, peakMib: Math.round(peak / 1024), output: all };
  } finally {
    ended.abort();
    await sampler;
  }
}

/** Resident memory of a process and its descendants. */
async function residentKib(root: number): Promise<number> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // The command name, in parentheses, can contain spaces; the parent is the second field after it.
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === root || isOurs(parents.get(pid)));
  let sum = 0;
  for (const pid of parents.keys()) {
    if (!isOurs(pid)) continue;
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    sum += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return sum;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new RangeError("no median of nothing");
  return (low + high) / 2;
}

/** Repeats all tasks in turn, so that a disturbance of the machine affects all of them. */
export async function alternate<Results extends Readonly<Record<string, unknown>>>(
  rounds: number,
  tasks: { readonly [Name in keyof Results]: () => Promise<Results[Name]> },
): Promise<{ [Name in keyof Results]: Results[Name][] }> {
  const names = Object.keys(tasks) as (keyof Results)[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as {
    [Name in keyof Results]: Results[Name][];
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) results[name].push(await tasks[name]());
  }
  return results;
}

/** The measured machine, without its name. */
export interface MachineDescription {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly acceleration: "KVM" | "no KVM";
  /** Load average of the minute before the benchmark: above 0.5, other programs were running. */
  readonly loadBefore: number;
}

export async function describeMachine(): Promise<MachineDescription> {
  const [load = "0"] = (await readFile("/proc/loadavg", "utf8")).split(" ");
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
    acceleration: (await acceleration()) === "kvm" ? "KVM" : "no KVM",
    loadBefore: Number(load),
  };
}
