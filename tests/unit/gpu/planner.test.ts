import { describe, expect, it, test } from "vitest";
import {
  findGpuModel,
  gpuModels,
  placePartitions,
  type Geometry,
  type MigProfile,
} from "../../../gpu/index.ts";

type Counts = readonly number[];

/** Every set of partitions that fits on a GPU, as counts per profile, found by brute force over slices. */
function possible({ slices, profiles }: Geometry): Map<string, Counts> {
  const found = new Map<string, Counts>();
  const walk = (slice: number, counts: Counts, engines: readonly string[]): void => {
    found.set(counts.join(), counts);
    for (let start = slice; start < slices; start++) {
      for (const [index, { size, starts, engine }] of profiles.entries()) {
        if (!starts.includes(start) || start + size > slices) continue;
        if (engine !== undefined && engines.includes(engine)) continue;
        const more = counts.map((count, other) => count + Number(other === index));
        walk(start + size, more, engine === undefined ? engines : [...engines, engine]);
      }
    }
  };
  walk(
    0,
    profiles.map(() => 0),
    [],
  );
  return found;
}

/** Every multiset of up to `most` profiles. */
function* multisets(kinds: number, most: number): Generator<Counts> {
  if (kinds === 0) {
    yield [];
    return;
  }
  for (let first = 0; first <= most; first++) {
    for (const rest of multisets(kinds - 1, most - first)) yield [first, ...rest];
  }
}

const expand = ({ profiles }: Geometry, counts: Counts): MigProfile[] =>
  profiles.flatMap((profile, index) => Array.from({ length: counts[index] ?? 0 }, () => profile));

const countsOf = ({ profiles }: Geometry, some: readonly MigProfile[]): Counts =>
  profiles.map((profile) => some.filter((other) => other === profile).length);

const memoryOf = ({ profiles }: Geometry, counts: Counts): number =>
  profiles.reduce((sum, { size }, index) => sum + size * (counts[index] ?? 0), 0);

// One entry per geometry: GPUs whose profiles differ by name only share one.
const shapes = new Map(
  gpuModels.map(({ geometry, key }) => [
    JSON.stringify(geometry.profiles.map(({ size, starts, engine }) => [size, starts, engine])),
    { key, geometry },
  ]),
);

test("the catalogue has three geometries, with unique profiles and names", () => {
  expect(shapes.size).toBe(3);
  const names = gpuModels.flatMap(({ key, aliases }) => [key, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
  for (const { geometry, key } of gpuModels) {
    const profiles = geometry.profiles.map(({ name }) => name);
    expect(new Set(profiles).size, key).toBe(profiles.length);
    for (const { starts, size } of geometry.profiles)
      for (const start of starts) expect(start + size, key).toBeLessThanOrEqual(geometry.slices);
  }
});

describe.each([...shapes.values()])("every multiset on $key", ({ geometry }) => {
  const there = possible(geometry);
  const most = Math.floor(geometry.slices / Math.min(...geometry.profiles.map(({ size }) => size)));

  it("fits exactly when brute force finds a placement; otherwise the best subset is placed", () => {
    let tried = 0;
    for (const counts of multisets(geometry.profiles.length, Math.min(most + 1, 8))) {
      tried += 1;
      const placing = placePartitions(geometry, expand(geometry, counts));
      expect(placing.fits, counts.join()).toBe(there.has(counts.join()));
      const placed = countsOf(
        geometry,
        placing.placements.map(({ profile }) => profile),
      );
      expect(there.has(placed.join()), `${counts.join()} placed as ${placed.join()}`).toBe(true);
      if (placing.fits) continue;
      const best = Math.max(
        ...[...there.values()]
          .filter((some) => some.every((count, index) => count <= (counts[index] ?? 0)))
          .map((some) => memoryOf(geometry, some)),
      );
      expect(memoryOf(geometry, placed), counts.join()).toBe(best);
      expect([...placing.placements.map(({ profile }) => profile), ...placing.left]).toHaveLength(
        counts.reduce((a, b) => a + b, 0),
      );
    }
    expect(tried).toBeGreaterThan(1000 * Number(geometry.slices > 4));
  });

  it("is placed on free slices at allowed starts, largest first", () => {
    for (const counts of there.values()) {
      const { placements } = placePartitions(geometry, expand(geometry, counts));
      const slices = placements.flatMap(({ profile: { size, starts }, start }) => {
        expect(starts).toContain(start);
        return Array.from({ length: size }, (_, offset) => start + offset);
      });
      expect(new Set(slices).size).toBe(slices.length);
      const sizes = placements.map(({ profile: { size } }) => size);
      expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    }
  });
});

describe("on an A100 40GB", () => {
  const { geometry } = findGpuModel("A100-SXM4-40GB") ?? { geometry: { slices: 0, profiles: [] } };
  const place = (...names: string[]) =>
    placePartitions(
      geometry,
      names.map((name) => geometry.profiles.find((profile) => profile.name === name) ?? expect.fail(name)),
    );

  it("places a 3g after four 1g, where the order of requests would fail", () => {
    const placing = place("3g.20gb", "1g.5gb", "1g.5gb", "1g.5gb", "1g.5gb");
    expect(placing.fits).toBe(true);
    expect(placing.placements.map(({ profile, start }) => `${profile.id}:${start}`)).toEqual([
      ...["9:4", "19:0", "19:1", "19:2", "19:3"],
    ]);
  });

  it("returns what is left over, and what fits instead", () => {
    const placing = place("3g.20gb", "3g.20gb", "1g.5gb");
    if (placing.fits) expect.fail("fits");
    expect(placing.left.map(({ name }) => name)).toEqual(["1g.5gb"]);
    expect(placing.instead).toEqual([]);
    const more = place("4g.20gb", "2g.10gb", "2g.10gb");
    if (more.fits) expect.fail("fits");
    expect(more.left.map(({ name }) => name)).toEqual(["2g.10gb"]);
    expect(more.instead.map(({ name }) => name)).toEqual(["1g.10gb", "1g.5gb"]);
  });

  it("allows one partition with media engines", () => {
    expect(place("1g.5gb+me", "1g.5gb+me").fits).toBe(false);
    expect(place("1g.5gb+me", "1g.5gb").fits).toBe(true);
  });
});
