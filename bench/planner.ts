import { gpuModels, placePartitions, type MigProfile } from "../gpu/index.ts";
import { row, type Benchmark } from "./result.ts";

const GOAL_MILLISECONDS = 5;
const ROUNDS = 5;
const MOST_PARTITIONS = 8;

/** The planner's longest time for any multiset of partitions, on each GPU. */
export const planner: Benchmark = {
  name: "planner",
  title: "The plan of a GPU's partitions, worst case",
  floor: "first fit in the requested order for the same partitions, which misses some plans",
  run: (say) =>
    Promise.resolve(
      gpuModels.map(({ key, geometry }) => {
        const wanted = [...multisets(geometry.profiles, MOST_PARTITIONS)];
        for (const partitions of wanted) placePartitions(geometry, partitions);
        const worst = slowest(wanted, (partitions) => placePartitions(geometry, partitions));
        const ours = Array.from({ length: ROUNDS }, () =>
          milliseconds(() => placePartitions(geometry, worst)),
        );
        const floor = Array.from({ length: ROUNDS }, () => milliseconds(() => firstFit(worst)));
        say(`${key}: ${wanted.length} multisets`);
        return row(key, "ms", ours, floor, { below: GOAL_MILLISECONDS });
      }),
    ),
};

function slowest<T>(some: readonly T[], work: (one: T) => unknown): T {
  const times = some.map((one) => ({ one, time: milliseconds(() => work(one)) }));
  const [first, ...rest] = times;
  if (first === undefined) throw new RangeError("no slowest of nothing");
  return rest.reduce((worst, other) => (other.time > worst.time ? other : worst), first).one;
}

function milliseconds(work: () => unknown): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

function* multisets(profiles: readonly MigProfile[], most: number): Generator<readonly MigProfile[]> {
  const [first, ...others] = profiles;
  if (first === undefined) {
    yield [];
    return;
  }
  for (let count = 0; count <= most; count += 1) {
    for (const rest of multisets(others, most - count))
      yield [...Array.from({ length: count }, () => first), ...rest];
  }
}

function firstFit(wanted: readonly MigProfile[]): number {
  let taken = 0;
  let placed = 0;
  for (const { size, starts } of wanted) {
    const start = starts.find((slice) => (taken & (((1 << size) - 1) << slice)) === 0);
    if (start === undefined) continue;
    taken |= ((1 << size) - 1) << start;
    placed += 1;
  }
  return placed;
}
