import { gresType, type GpuPlan } from "./plan.ts";

/** What a node's GPUs are to SLURM: partitions by their profile, whole GPUs by their model. */
export interface Gres {
  /** Undefined: any GPU. */
  readonly type: string | undefined;
  readonly count: number;
  /** True: SLURM only counts them, there is no device. */
  readonly pretended: boolean;
}

/** The gres of a node, in the order of its GPUs. One type cannot be both pretended and real on a node. */
export function gresOf(plan: GpuPlan): readonly Gres[] {
  return [...Map.groupBy(pieces(plan), ({ type }) => type)].map(([type, same]) => ({
    type,
    count: same.length,
    pretended: same.some(({ pretended }) => pretended),
  }));
}

/** How many jobs may share the node's GPUs at a time: the sum of their time slices, SLURM's gres `shard`. 0: none is shared. */
export function shardsOf(plan: GpuPlan): number {
  return plan.reduce((sum, { timeSlices }) => sum + (timeSlices > 1 ? timeSlices : 0), 0);
}

/**
 * A NodeName line's `Gres=`: `gpu:3g.20gb:1,gpu:1g.5gb:4`, or `gpu:gb10:1,shard:4` where jobs share it; undefined where the
 * node has no GPU.
 */
export function gresParameter(plan: GpuPlan): string | undefined {
  const gres = gresOf(plan).map(({ type, count }) =>
    ["gpu", type, count].filter((part) => part !== undefined).join(":"),
  );
  const shards = shardsOf(plan);
  if (shards > 0) gres.push(`shard:${shards}`);
  return gres.length === 0 ? undefined : gres.join(",");
}

/** Where a node keeps a file in the place of each pretended GPU or partition: SLURM ignores a GPU without a file. */
export const PRETENDED_FILES = "/var/lib/ai-how/pretended-gpu";

/** What each such file stands for, `gpu0`, `gpu1`, ...: a partition's profile or a GPU's type. */
export function pretendedDevices(plan: GpuPlan): readonly string[] {
  return pretendedPieces(plan).map(({ type }) => type ?? "gpu");
}

/**
 * The lines of gres.conf for a node's pretended GPUs. A node writes those of its real ones itself, when role `nvidia` has
 * verified them. Source: gres.conf(5).
 */
export function gresConf(nodeName: string, plan: GpuPlan): readonly string[] {
  const pretended = pretendedPieces(plan);
  const gpus = [...Map.groupBy(pretended, ({ type }) => type)].map(([type, same]) => {
    const first = pretended.findIndex((piece) => piece.type === type);
    const kind = type === undefined ? "" : ` Type=${type}`;
    return `Name=gpu${kind} File=${PRETENDED_FILES}/gpu[${first}-${first + same.length - 1}]`;
  });
  const shards = pretended.flatMap(({ timeSlices }, index) =>
    timeSlices > 1 ? [`Name=shard Count=${timeSlices} File=${PRETENDED_FILES}/gpu${index}`] : [],
  );
  return [...gpus, ...shards].map((line) => `NodeName=${nodeName} ${line}`);
}

interface Piece {
  /** Undefined: any GPU. */
  readonly type: string | undefined;
  readonly pretended: boolean;
  readonly timeSlices: number;
}

/** What SLURM gives to jobs one by one: whole GPUs and partitions, those of one type together. */
function pieces(plan: GpuPlan): readonly Piece[] {
  const all = plan.flatMap((gpu) => {
    const types =
      gpu.placements.length === 0 ? [gresType(gpu)] : gpu.placements.map(({ profile }) => profile.name);
    return types.map((type): Piece => ({ type, pretended: gpu.pretended, timeSlices: gpu.timeSlices }));
  });
  return [...Map.groupBy(all, ({ type }) => type).values()].flat();
}

function pretendedPieces(plan: GpuPlan): readonly Piece[] {
  return pieces(plan).filter(({ pretended }) => pretended);
}
