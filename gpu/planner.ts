import type { Geometry, MigProfile } from "./geometry.ts";

/** A partition and the memory slice that it begins at. */
export interface Placement {
  readonly profile: MigProfile;
  readonly start: number;
}

/** Where partitions go, or which of them do not fit and what would. */
export type Placing =
  | { readonly fits: true; readonly placements: readonly Placement[] }
  | {
      readonly fits: false;
      /** As many of the wanted as fit together: the most memory, then the most partitions. */
      readonly placements: readonly Placement[];
      /** What is left over, largest first. */
      readonly left: readonly MigProfile[];
      /** Plain profiles of which one more would fit beside those, largest first. */
      readonly instead: readonly MigProfile[];
    };

/**
 * Places partitions on a GPU: exactly, so that what can fit does. The order in which a driver is asked for partitions
 * without saying where decides whether they fit (3g and four 1g only with the 3g last); with placements it does not.
 * @param wanted one profile a partition, each of the geometry
 * @returns placements in creation order: larger first, then by start
 */
export function placePartitions(geometry: Geometry, wanted: readonly MigProfile[]): Placing {
  const sorted = [...wanted].sort(bySize);
  const placements = new Packing(geometry, sorted).best();
  if (placements.length === sorted.length) return { fits: true, placements };
  const placed = placements.map(({ profile }) => profile);
  const left = [...sorted];
  for (const profile of placed) left.splice(left.indexOf(profile), 1);
  const instead = geometry.profiles
    .filter(({ name }) => !/[+-]/.test(name))
    .filter(
      (profile) => new Packing(geometry, [...placed, profile].sort(bySize)).best().length > placed.length,
    );
  return { fits: false, placements, left, instead: [...instead].sort(bySize) };
}

function bySize(a: MigProfile, b: MigProfile): number {
  return b.size - a.size || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

interface Best {
  /** Memory slices taken. */
  readonly memory: number;
  readonly count: number;
  /** Undefined: the partition is left out. */
  readonly start: number | undefined;
}

/** The best packing by dynamic programming over (partition, slices that are taken): at most 64 x 4,096 states. */
class Packing {
  readonly #geometry: Geometry;
  readonly #wanted: readonly MigProfile[];
  readonly #known = new Map<string, Best>();

  constructor(geometry: Geometry, wanted: readonly MigProfile[]) {
    this.#geometry = geometry;
    this.#wanted = possible(geometry, wanted);
  }

  best(): readonly Placement[] {
    const placements: Placement[] = [];
    let taken = 0;
    let engines: readonly string[] = [];
    for (const [index, profile] of this.#wanted.entries()) {
      const { start } = this.#bestFrom(index, taken, engines);
      if (start === undefined) continue;
      placements.push({ profile, start });
      taken |= mask(profile, start);
      if (profile.engine !== undefined) engines = [...engines, profile.engine];
    }
    return placements.sort((a, b) => bySize(a.profile, b.profile) || a.start - b.start);
  }

  #bestFrom(index: number, taken: number, engines: readonly string[]): Best {
    const profile = this.#wanted[index];
    if (profile === undefined) return { memory: 0, count: 0, start: undefined };
    const key = `${index} ${taken} ${engines.join()}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const without = this.#bestFrom(index + 1, taken, engines);
    let best: Best = { ...without, start: undefined };
    if (profile.engine === undefined || !engines.includes(profile.engine)) {
      const used = profile.engine === undefined ? engines : [...engines, profile.engine];
      for (const start of profile.starts) {
        if ((taken & mask(profile, start)) !== 0) continue;
        const rest = this.#bestFrom(index + 1, taken | mask(profile, start), used);
        const memory = rest.memory + profile.size;
        const count = rest.count + 1;
        if (memory > best.memory || (memory === best.memory && count > best.count))
          best = { memory, count, start };
        if (best.memory === this.#geometry.slices) break;
      }
    }
    this.#known.set(key, best);
    return best;
  }
}

/** No more of each profile than a GPU can have, however many are wanted: what exceeds that never fits. */
function possible(geometry: Geometry, wanted: readonly MigProfile[]): readonly MigProfile[] {
  const count = new Map<string, number>();
  return wanted.filter(({ name, engine, size }) => {
    const number = (count.get(name) ?? 0) + 1;
    count.set(name, number);
    return number <= (engine === undefined ? Math.floor(geometry.slices / size) : 1);
  });
}

function mask({ size }: MigProfile, start: number): number {
  return ((1 << size) - 1) << start;
}
