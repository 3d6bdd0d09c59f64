import { findGpuModel, gpuModels, normalizedGpuName, whyUnpartitioned } from "./catalogue.ts";
import type { GpuModel, MigProfile } from "./geometry.ts";
import { placePartitions, type Placement } from "./planner.ts";

/** GPUs of one node as somebody wants them: several that are alike. */
export interface GpuRequest {
  /** A name of the catalogue's, or of any GPU; undefined: whatever is at the address. */
  readonly model: string | undefined;
  readonly pciAddress: string | undefined;
  /** True: there is no device, only the scheduler believes in it. */
  readonly pretended: boolean;
  readonly count: number;
  /** Names of MIG profiles, one a partition; empty: not partitioned. */
  readonly migProfiles: readonly string[];
  /** How many jobs may share one of them at a time, by time slices; undefined: one. */
  readonly timeSlices?: number | undefined;
  /** A slice of a GPU that the host keeps, by NVIDIA's vGPU manager; undefined: the node has the device. */
  readonly vgpu?: Vgpu | undefined;
}

/** How a host hands out slices of a GPU to VMs. Source: NVIDIA's vGPU user guide. */
export interface Vgpu {
  /** `mdev`: mediated devices, up to Linux 6.7; `vendor-vfio`: virtual functions with a type, from 6.8 on. */
  readonly backend: "mdev" | "vendor-vfio";
  /** NVIDIA's number of the vGPU type. */
  readonly type: number;
}

/** One GPU of a node as it will be. */
export interface PlannedGpu {
  /** Its number on the node, in the order of the cluster file. */
  readonly index: number;
  /** As the cluster file calls it; undefined: whatever is at the address. */
  readonly model: string | undefined;
  /** The catalogue's entry, where there is one. */
  readonly known: GpuModel | undefined;
  readonly pciAddress: string | undefined;
  readonly pretended: boolean;
  /** Undefined: the node has the device. */
  readonly vgpu: Vgpu | undefined;
  /** How many jobs may share it at a time, by time slices; 1: it is not shared. */
  readonly timeSlices: number;
  /** In creation order; empty: not partitioned. */
  readonly placements: readonly Placement[];
}

/** The GPUs of one node. */
export type GpuPlan = readonly PlannedGpu[];

/** Why a request cannot be had. */
export interface GpuProblem {
  /** Number of the request, from 0. */
  readonly request: number;
  /** Number of the partition, where it is about one. */
  readonly partition: number | undefined;
  /** What is wrong and what to do, without the place. */
  readonly message: string;
}

/** Plans the GPUs of a node; every request that cannot be had is a problem. */
export function planGpus(requests: readonly GpuRequest[]): {
  plan: GpuPlan;
  problems: readonly GpuProblem[];
} {
  const gpus: PlannedGpu[] = [];
  const problems: GpuProblem[] = [];
  for (const [number, request] of requests.entries()) {
    const { known, placements, problems: found } = partitions(request);
    problems.push(...found.map((problem) => ({ ...problem, request: number })));
    for (let copy = 0; copy < request.count; copy++) {
      const { model, pciAddress, pretended, vgpu, timeSlices = 1 } = request;
      gpus.push({ index: gpus.length, model, known, pciAddress, pretended, vgpu, timeSlices, placements });
    }
  }
  return { plan: gpus, problems };
}

/** SLURM's type of a whole GPU; undefined where nobody said what it is. */
export function gresType({ model, known }: PlannedGpu): string | undefined {
  return known?.gresType ?? (model === undefined ? undefined : normalizedGpuName(model).replaceAll("-", "_"));
}

interface Partitions {
  readonly known: GpuModel | undefined;
  readonly placements: readonly Placement[];
  readonly problems: readonly Omit<GpuProblem, "request">[];
}

function partitions({ model, migProfiles }: GpuRequest): Partitions {
  const known = model === undefined ? undefined : findGpuModel(model);
  if (migProfiles.length === 0) return { known, placements: [], problems: [] };
  if (model === undefined) return partitionsOfAny(migProfiles);
  if (known !== undefined) return partitionsOf(known, migProfiles);
  const reason = whyUnpartitioned(model) ?? "is not in the catalogue of GPUs with MIG";
  return { known, placements: [], problems: [{ partition: undefined, message: `${model} ${reason}` }] };
}

/** Nobody said which GPU it is: any that has these profiles will do, and only a single one is taken to be it. */
function partitionsOfAny(names: readonly string[]): Partitions {
  const has = ({ geometry }: GpuModel): boolean =>
    names.every((name) => geometry.profiles.some((profile) => profile.name === name));
  const candidates = gpuModels.filter(has).map((model) => partitionsOf(model, names));
  const [fitting, ...others] = candidates.filter(({ problems }) => problems.length === 0);
  if (fitting !== undefined) return others.length === 0 ? fitting : { ...fitting, known: undefined };
  const message = `no GPU of the catalogue can have ${[...new Set(names)].join(", ")} together; give \`model\``;
  return { known: undefined, placements: [], problems: [{ partition: undefined, message }] };
}

function partitionsOf(known: GpuModel, names: readonly string[]): Partitions {
  const wanted: MigProfile[] = [];
  const problems: Omit<GpuProblem, "request">[] = [];
  for (const [partition, name] of names.entries()) {
    const profile = known.geometry.profiles.find((candidate) => candidate.name === name);
    if (profile !== undefined) wanted.push(profile);
    else {
      const there = known.geometry.profiles.map((candidate) => candidate.name).join(", ");
      problems.push({ partition, message: `${name} is no partition of ${known.name}; there are ${there}` });
    }
  }
  if (problems.length > 0) return { known, placements: [], problems };
  const placing = placePartitions(known.geometry, wanted);
  if (placing.fits) return { known, placements: placing.placements, problems: [] };
  const room = placing.instead.map(({ name }) => name).join(" or ");
  const message =
    `${formatCounts(wanted)} do not fit on ${known.name}: beside ${formatCounts(placing.placements.map(({ profile }) => profile))} ` +
    `there is no room for ${formatCounts(placing.left)}${room === "" ? "" : `, but there is for ${room}`}`;
  return { known, placements: [], problems: [{ partition: undefined, message }] };
}

/** `2 x 3g.20gb, 1g.5gb` */
function formatCounts(profiles: readonly MigProfile[]): string {
  const counts = new Map<string, number>();
  for (const { name } of profiles) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} x ${name}`)).join(", ");
}
