import { findGpuModel, gpuModels, normalizedGpuName, whyUnpartitioned } from "./catalogue.ts";
import type { GpuModel, MigProfile } from "./geometry.ts";
import { placePartitions, type Placement } from "./planner.ts";

/** One or more identical GPUs that the cluster file asks for. */
export interface GpuRequest {
  /** Name of the model, in the catalogue or not. Undefined: not given. */
  readonly model: string | undefined;
  readonly pciAddress: string | undefined;
  /** True: the scheduler counts the GPU, but no device exists. */
  readonly pretended: boolean;
  readonly count: number;
  /** MIG profiles, one per partition. Empty: not partitioned. */
  readonly migProfiles: readonly string[];
  /** Number of jobs that may share a GPU by time slices. Undefined: 1. */
  readonly timeSlices?: number | undefined;
  /** A vGPU that the host creates on its GPU. Undefined: the whole device. */
  readonly vgpu?: Vgpu | undefined;
}

/** A vGPU. Source: NVIDIA's vGPU user guide. */
export interface Vgpu {
  /** `mdev`: mediated devices, up to Linux 6.7. `vendor-vfio`: virtual functions with a type, from Linux 6.8. */
  readonly backend: "mdev" | "vendor-vfio";
  /** NVIDIA's ID of the vGPU type. */
  readonly type: number;
}

/** A planned GPU of a node. */
export interface PlannedGpu {
  /** Index on the node, from 0, in the order of the cluster file. */
  readonly index: number;
  /** Name in the cluster file. Undefined: not given. */
  readonly model: string | undefined;
  /** Entry of the catalogue. Undefined: not in the catalogue. */
  readonly known: GpuModel | undefined;
  readonly pciAddress: string | undefined;
  readonly pretended: boolean;
  /** Undefined: the whole device. */
  readonly vgpu: Vgpu | undefined;
  /** Number of jobs that may share it by time slices. 1: not shared. */
  readonly timeSlices: number;
  /** Partitions in creation order. Empty: not partitioned. */
  readonly placements: readonly Placement[];
}

/** The GPUs of one node. */
export type GpuPlan = readonly PlannedGpu[];

/** Why a request cannot be met. */
export interface GpuProblem {
  /** Index of the request, from 0. */
  readonly request: number;
  /** Index of the partition, from 0. Undefined: the problem is about all of them. */
  readonly partition: number | undefined;
  /** What is wrong and what to do, without the path. */
  readonly message: string;
}

/** Plans the GPUs of a node. Reports a problem for every request that cannot be met. */
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

/** SLURM's gres type of a whole GPU. Undefined if the model is not given. */
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

/** Partitions of a GPU without a model: placed as on any model that fits. The model becomes known if only one fits. */
function partitionsOfAny(names: readonly string[]): Partitions {
  const has = ({ geometry }: GpuModel): boolean =>
    names.every((name) => geometry.profiles.some((profile) => profile.name === name));
  const candidates = gpuModels.filter(has).map((model) => partitionsOf(model, names));
  const [fitting, ...others] = candidates.filter(({ problems }) => problems.length === 0);
  if (fitting !== undefined) return others.length === 0 ? fitting : { ...fitting, known: undefined };
  const message = `no known GPU supports ${[...new Set(names)].join(", ")} together; set \`model\``;
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
      problems.push({ partition, message: `${name} is not a profile of ${known.name}; use one of ${there}` });
    }
  }
  if (problems.length > 0) return { known, placements: [], problems };
  const placing = placePartitions(known.geometry, wanted);
  if (placing.fits) return { known, placements: placing.placements, problems: [] };
  const room = placing.instead.map(({ name }) => name).join(" or ");
  const message =
    `${formatCounts(wanted)} do not fit on ${known.name}: next to ${formatCounts(placing.placements.map(({ profile }) => profile))} ` +
    `there is no room for ${formatCounts(placing.left)}${room === "" ? "" : `, only for ${room}`}`;
  return { known, placements: [], problems: [{ partition: undefined, message }] };
}

/** `2 x 3g.20gb, 1g.5gb` */
function formatCounts(profiles: readonly MigProfile[]): string {
  const counts = new Map<string, number>();
  for (const { name } of profiles) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} x ${name}`)).join(", ");
}
