import type { Geometry } from "./geometry.ts";

/** A kind of partition as `nvidia-smi mig -lgip` and `-lgipp` list it. */
export interface ListedProfile {
  /** `1g.10gb+me` */
  readonly name: string;
  readonly id: number;
  /** How many of it fit on an empty GPU. */
  readonly total: number;
  /** Memory slices that it takes. */
  readonly size: number;
  /** The memory slices that it can begin at. */
  readonly starts: readonly number[];
}

// |   0  MIG 1g.24gb+me.all  65     1/1        23.62      No     46     4     4   |
const PROFILE = /^\|\s+(\d+)\s+MIG (\S+)\s+(\d+)\s+(\d+)\/(\d+)\s/gm;
// GPU  0 Profile ID  5 Placement : {0}:4
const PLACEMENT = /^GPU\s+(\d+) Profile ID\s+(\d+) Placements?\s*: \{([\d,]*)\}:(\d+)/gm;

/** The kinds of partitions of one GPU, from what `nvidia-smi mig -lgip` and `-lgipp` print. */
export function listedProfiles(lgip: string, lgipp: string, gpu: number): ListedProfile[] {
  const placements = new Map(
    [...lgipp.matchAll(PLACEMENT)]
      .filter(([, index]) => Number(index) === gpu)
      .map(([, , id, starts = "", size]) => [
        Number(id),
        { starts: starts.split(",").map(Number), size: Number(size) },
      ]),
  );
  return [...lgip.matchAll(PROFILE)]
    .filter(([, index]) => Number(index) === gpu)
    .flatMap(([, , name = "", id, , total]) => {
      const placement = placements.get(Number(id));
      return placement === undefined ? [] : [{ name, id: Number(id), total: Number(total), ...placement }];
    });
}

/** How a listing and the catalogue differ. */
export interface Comparison {
  /** What the catalogue says otherwise than the driver: nothing may be planned by it. */
  readonly wrong: readonly string[];
  /** What the driver has and the catalogue leaves out. */
  readonly more: readonly string[];
}

export function compareListing(listed: readonly ListedProfile[], { profiles }: Geometry): Comparison {
  const byName = new Map(listed.map((profile) => [profile.name, profile]));
  const wrong: string[] = [];
  const more: string[] = [];
  for (const { name, id, size, starts, engine } of profiles) {
    const found = byName.get(name);
    if (found === undefined) {
      wrong.push(`${name}: the driver does not have it`);
      continue;
    }
    const [planned, real] = [formatPlaces(size, starts), formatPlaces(found.size, found.starts)];
    if (planned !== real) wrong.push(`${name}: begins at ${planned}, by the driver at ${real}`);
    if (id === undefined) more.push(`${name} is number ${found.id}`);
    else if (id !== found.id) wrong.push(`${name}: is number ${id}, by the driver ${found.id}`);
    const total = engine === undefined ? starts.length : 1;
    if (total !== found.total) wrong.push(`${name}: ${total} fit, by the driver ${found.total}`);
  }
  const known = new Set(profiles.map(({ name }) => name));
  more.push(
    ...listed
      .filter(({ name }) => !known.has(name))
      .map(({ name, id, size, starts }) => `${name}, number ${id}, at ${formatPlaces(size, starts)}`),
  );
  return { wrong, more };
}

/** As `nvidia-smi` writes it, `{0,4}:4`. */
function formatPlaces(size: number, starts: readonly number[]): string {
  return `{${starts.join(",")}}:${size}`;
}

/** A GPU or a partition, as `nvidia-smi -L` lists it. */
export interface ListedDevice {
  /** `MIG-41b9eab5-8d48-5c52-9f07-82bc59af3901` */
  readonly uuid: string;
  /** Profile of a partition; undefined: a whole GPU. */
  readonly profile: string | undefined;
}

/** What `nvidia-smi -L` lists, GPUs and partitions in its order. */
export function listedDevices(text: string): ListedDevice[] {
  return [...text.matchAll(/^(?:GPU \d+: .*|\s+MIG (\S+)\s+Device\s+\d+: )\(UUID: ([\w-]+)\)/gm)].map(
    ([, profile, uuid = ""]) => ({ uuid, profile }),
  );
}
