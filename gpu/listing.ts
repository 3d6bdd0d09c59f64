import type { Geometry } from "./geometry.ts";

/** A MIG profile as `nvidia-smi mig -lgip` and `-lgipp` list it. */
export interface ListedProfile {
  /** `1g.10gb+me` */
  readonly name: string;
  readonly id: number;
  /** Number of partitions that fit on an empty GPU. */
  readonly total: number;
  /** Number of memory slices. */
  readonly size: number;
  /** Possible first memory slices. */
  readonly starts: readonly number[];
}

// |   0  MIG 1g.24gb+me.all  65     1/1        23.62      No     46     4     4   |
const PROFILE = /^\|\s+(\d+)\s+MIG (\S+)\s+(\d+)\s+(\d+)\/(\d+)\s/gm;
// GPU  0 Profile ID  5 Placement : {0}:4
const PLACEMENT = /^GPU\s+(\d+) Profile ID\s+(\d+) Placements?\s*: \{([\d,]*)\}:(\d+)/gm;

/** The MIG profiles of one GPU, from the output of `nvidia-smi mig -lgip` and `-lgipp`. */
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

/** Differences between a listing and the catalogue. */
export interface Comparison {
  /** Contradictions: plans by this catalogue would fail. */
  readonly wrong: readonly string[];
  /** Profiles and IDs that only the driver lists. */
  readonly more: readonly string[];
}

/** Compares the driver's listing with the catalogue's geometry of the model. */
export function compareListing(listed: readonly ListedProfile[], { profiles }: Geometry): Comparison {
  const byName = new Map(listed.map((profile) => [profile.name, profile]));
  const wrong: string[] = [];
  const more: string[] = [];
  for (const { name, id, size, starts, engine } of profiles) {
    const found = byName.get(name);
    if (found === undefined) {
      wrong.push(`${name}: missing in the driver`);
      continue;
    }
    const [planned, real] = [formatPlaces(size, starts), formatPlaces(found.size, found.starts)];
    if (planned !== real) wrong.push(`${name}: starts at ${planned}, in the driver at ${real}`);
    if (id === undefined) more.push(`${name} has ID ${found.id}`);
    else if (id !== found.id) wrong.push(`${name}: has ID ${id}, in the driver ${found.id}`);
    const total = engine === undefined ? starts.length : 1;
    if (total !== found.total) wrong.push(`${name}: ${total} fit, in the driver ${found.total}`);
  }
  const known = new Set(profiles.map(({ name }) => name));
  more.push(
    ...listed
      .filter(({ name }) => !known.has(name))
      .map(({ name, id, size, starts }) => `${name} with ID ${id} at ${formatPlaces(size, starts)}`),
  );
  return { wrong, more };
}

/** Starts and size in the format of `nvidia-smi`, `{0,4}:4`. */
function formatPlaces(size: number, starts: readonly number[]): string {
  return `{${starts.join(",")}}:${size}`;
}

/** A GPU or a partition that `nvidia-smi -L` lists. */
export interface ListedDevice {
  /** `MIG-41b9eab5-8d48-5c52-9f07-82bc59af3901` */
  readonly uuid: string;
  /** Profile of a partition. Undefined: a whole GPU. */
  readonly profile: string | undefined;
}

/** GPUs and partitions in the output of `nvidia-smi -L`, in order. */
export function listedDevices(text: string): ListedDevice[] {
  return [...text.matchAll(/^(?:GPU \d+: .*|\s+MIG (\S+)\s+Device\s+\d+: )\(UUID: ([\w-]+)\)/gm)].map(
    ([, profile, uuid = ""]) => ({ uuid, profile }),
  );
}
