import { findPulumi } from "../engine/select.ts";
import { alternate, median, type Cost } from "./measure.ts";
import { BenchProject, type EngineName } from "./project.ts";
import { row, type Benchmark, type Row } from "./result.ts";

const SIZES = [10, 100, 1000] as const;
const GOAL_SECONDS = 5;
const GOAL_MIB = 600;

/** Previews of non-existing clusters of growing size: the time and memory of the program and its engine alone. */
export const preview: Benchmark = {
  name: "preview",
  title: "Preview of a cluster that does not exist",
  floor: "`ai-how preview` of a program that makes nothing, by the same engine",
  async run(say) {
    const engines: EngineName[] = ["in-process"];
    if ((await findPulumi()) === undefined) say("Pulumi's CLI is not installed: in-process only");
    else engines.push("pulumi");
    const [project, empty] = [await BenchProject.create(), await BenchProject.createEmpty()];
    try {
      const rows: Row[] = [];
      for (const engine of engines) rows.push(...(await previews(engine, project, empty, say)));
      return rows;
    } finally {
      await Promise.all([project.remove(), empty.remove()]);
    }
  },
};

async function previews(
  engine: EngineName,
  project: BenchProject,
  empty: BenchProject,
  say: (line: string) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  const sizes: { readonly count: number; readonly seconds: readonly number[] }[] = [];
  for (const nodes of SIZES) {
    const stack = `bench-${nodes}`;
    await project.writeCluster(stack, "vm", nodes);
    const { ours, floor } = await alternate<{ ours: Cost; floor: Cost }>(nodes < 1000 ? 5 : 3, {
      ours: () => project.cost(engine, "preview", stack),
      floor: () => empty.cost(engine, "preview", "empty"),
    });
    const count = resources(ours[0]?.output ?? "");
    const what = `${engine}: ${nodes} nodes, ${count} resources`;
    const inGoal = engine === "in-process" && nodes === 100;
    rows.push(
      row(what, "s", seconds(ours), seconds(floor), inGoal ? { below: GOAL_SECONDS } : undefined),
      row(`${what}: memory`, "MiB", memory(ours), memory(floor), inGoal ? { below: GOAL_MIB } : undefined),
    );
    sizes.push({ count, seconds: seconds(ours) });
    say(
      rows
        .slice(-2)
        .map(({ what, ours, unit }) => `${what}: ${ours.toFixed(1)} ${unit}`)
        .join("; "),
    );
  }
  const [tens, hundreds, thousands] = sizes;
  if (tens === undefined || hundreds === undefined || thousands === undefined) throw new Error("three sizes");
  rows.push(
    row(
      `${engine}: time for one more resource, 100 to 1,000 nodes; its floor: 10 to 100`,
      "ms",
      milliseconds(hundreds, thousands),
      milliseconds(tens, hundreds),
      // The time per resource may grow by 20 %.
      { ratio: 1.2 },
    ),
  );
  return rows;
}

const seconds = (costs: readonly Cost[]): number[] => costs.map((each) => each.seconds);
const memory = (costs: readonly Cost[]): number[] => costs.map(({ peakMib }) => peakMib);

/** Time per additional resource in the larger of two previews. */
function milliseconds(
  small: { readonly count: number; readonly seconds: readonly number[] },
  large: { readonly count: number; readonly seconds: readonly number[] },
): number[] {
  const base = median(small.seconds);
  return large.seconds.map((each) => ((each - base) / (large.count - small.count)) * 1000);
}

/** The number of resources to create, from a preview's last line. */
function resources(output: string): number {
  const count = Number(/\+ (\d+) to create/.exec(output)?.[1]);
  if (!Number.isInteger(count)) throw new Error(`a preview that creates nothing:\n${output}`);
  return count;
}
