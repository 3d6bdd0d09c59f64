import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import writeFileAtomic from "write-file-atomic";
import { median, type MachineDescription } from "./measure.ts";

/** A benchmark and the floor that it compares with. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** Description of the floor. */
  readonly floor: string;
  /** True for a benchmark of more than a few minutes, which runs only on request. */
  readonly slow?: boolean;
  run(say: (line: string) => void): Promise<Row[]>;
}

/** A measured number and its floor, which were measured in turn. */
export interface Row {
  readonly what: string;
  readonly unit: "s" | "MiB" | "ms";
  /** Medians. */
  readonly ours: number;
  readonly floor: number;
  readonly ratio: number;
  /** The goal in words; undefined if there is none. */
  readonly goal?: string;
  readonly met?: boolean;
  readonly samples: { readonly ours: readonly number[]; readonly floor: readonly number[] };
}

/** A largest value, a largest ratio, or a largest distance of the ratio from 1. */
export type Goal = { readonly below: number } | { readonly ratio: number } | { readonly within: number };

export function row(
  what: string,
  unit: Row["unit"],
  oursSamples: readonly number[],
  floorSamples: readonly number[],
  goal?: Goal,
): Row {
  const [ours, floor] = [median(oursSamples), median(floorSamples)];
  const ratio = ours / floor;
  return {
    what,
    unit,
    ours,
    floor,
    ratio,
    ...(goal !== undefined && judge(goal, ours, ratio, unit)),
    samples: { ours: oursSamples, floor: floorSamples },
  };
}

function judge(goal: Goal, ours: number, ratio: number, unit: string): { goal: string; met: boolean } {
  if ("below" in goal) return { goal: `${goal.below} ${unit} or less`, met: ours <= goal.below };
  if ("ratio" in goal) return { goal: `ratio ${goal.ratio} or less`, met: ratio <= goal.ratio };
  return { goal: `ratio 1 ± ${goal.within}`, met: Math.abs(ratio - 1) <= goal.within };
}

export interface Result {
  readonly benchmark: string;
  readonly title: string;
  readonly floor: string;
  readonly machine: MachineDescription;
  readonly day: string;
  readonly rows: readonly Row[];
}

export const results = join(import.meta.dirname, "results");

export async function writeResult(result: Result): Promise<void> {
  const text = JSON.stringify(result, (_, value: unknown) =>
    typeof value === "number" ? round(value) : value,
  );
  await writeFormatted(join(results, `${result.benchmark}.json`), text);
}

/** Writes a formatted file of the repository. */
export async function writeFormatted(file: string, text: string): Promise<void> {
  const options = await resolveConfig(file);
  await writeFileAtomic(file, await format(text, { ...options, filepath: file }));
}

/** The results as a page. */
export function toMarkdown(all: readonly Result[]): string {
  const pages = all.map(({ title, floor, machine, day, rows }) => {
    const table = [
      ["what", "ours", "floor", "ours / floor", "goal", "met"],
      ["---", "---:", "---:", "---:", "---", "---"],
      ...rows.map(({ what, unit, ours, floor: base, ratio, goal, met }) => [
        what,
        `${round(ours)} ${unit}`,
        `${round(base)} ${unit}`,
        `${round(ratio)}`,
        goal ?? "",
        met === undefined ? "" : met ? "yes" : "no",
      ]),
    ];
    return [
      `## ${title}`,
      "",
      `Floor: ${floor}.`,
      "",
      ...table.map((cells) => `| ${cells.join(" | ")} |`),
      "",
      `${day}; ${machine.cores} cores (${machine.processor}), ${machine.memoryGib} GiB, Linux ${machine.kernel}, ` +
        `Node ${machine.node.slice(1)}, ${machine.acceleration}; load before: ${machine.loadBefore}.`,
      "",
    ].join("\n");
  });
  return [
    "# Benchmarks",
    "",
    "Written by `make bench`. Each number is a median, and so is its floor: the two were measured in turn, in one run, on",
    "one machine. Compare the ratios; the seconds are this machine's. The samples are in the JSON files.",
    "",
    ...pages,
  ].join("\n");
}

function round(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
