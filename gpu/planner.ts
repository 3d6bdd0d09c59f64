import type { Geometry, MigProfile } from "./geometry.ts";

/** A partition and its first memory slice. */
export interface Placement {
  readonly profile: MigProfile;
  readonly start: number;
}

/** Placements of all partitions; or the best subset, what is left over, and what would fit instead. */
export type Placing =
  | { readonly fits: true; readonly placements: readonly Placement[] }
  | {
      readonly fits: false;
      /** The best subset that fits: the most memory, then the most partitions. */
      readonly placements: readonly Placement[];
      /** Partitions that do not fit, largest first. */
      readonly left: readonly MigProfile[];
      /** Profiles of which one more would fit next to the subset, largest first. */
      readonly instead: readonly MigProfile[];
    };

/**
 * Places partitions on a GPU. It finds a placement whenever one exists. Drivers that choose placements themselves fill a GPU in
 * the order of requests (3g and four 1g fit only with the 3g last); explicit placements do not depend on the order.
 * @param wanted profiles of the geometry, one per partition
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
  /** Number of used memory slices. */
  readonly memory: number;
  readonly count: number;
  /** Undefined: the partition is not placed. */
  readonly start: number | undefined;
}

/** Finds the best packing by dynamic programming over (partition, used slices): at most 64 x 4,096 states. */
class Packing {
  readonly #geometry: Geometry;
  readonly #wanted: readonly MigProfile[];
  readonly #known = new Map<string, Best>();

  constructor(geometry: Geometry, wanted: readonly MigProfile[]) {
    this.#geometry = geometry;
    this.#wanted = limitCounts(geometry, wanted);
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

/** Limits the number of partitions of each profile to what an empty GPU can hold; the others never fit. */
function limitCounts(geometry: Geometry, wanted: readonly MigProfile[]): readonly MigProfile[] {
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
