import { gresType, type GpuPlan } from "./plan.ts";

/** SLURM's gres of a node's GPUs: the type is the profile of a partition, or the model of a whole GPU. */
export interface Gres {
  /** Undefined: any GPU. */
  readonly type: string | undefined;
  readonly count: number;
  /** True: SLURM counts them, but no device exists. */
  readonly pretended: boolean;
}

/** The gres of a node, in the order of its GPUs. GPUs of one type are all real or all pretended. */
export function gresOf(plan: GpuPlan): readonly Gres[] {
  return [...Map.groupBy(pieces(plan), ({ type }) => type)].map(([type, same]) => ({
    type,
    count: same.length,
    pretended: same.some(({ pretended }) => pretended),
  }));
}

/** SLURM's gres `shard` of a node: the sum of time slices of its shared GPUs. 0: none is shared. */
export function shardsOf(plan: GpuPlan): number {
  return plan.reduce((sum, { timeSlices }) => sum + (timeSlices > 1 ? timeSlices : 0), 0);
}

/**
 * The value of `Gres=` in a NodeName line: `gpu:3g.20gb:1,gpu:1g.5gb:4`, or `gpu:gb10:1,shard:4` for a shared GPU. Undefined
 * for a node without GPUs.
 */
export function gresParameter(plan: GpuPlan): string | undefined {
  const gres = gresOf(plan).map(({ type, count }) =>
    ["gpu", type, count].filter((part) => part !== undefined).join(":"),
  );
  const shards = shardsOf(plan);
  if (shards > 0) gres.push(`shard:${shards}`);
  return gres.length === 0 ? undefined : gres.join(",");
}

/** Folder with a file for each pretended GPU or partition, because SLURM ignores a GPU without a device file. */
export const PRETENDED_FILES = "/var/lib/ai-how/pretended-gpu";

/** Type of the pretended GPU or partition behind each file, `gpu0`, `gpu1` and so on. */
export function pretendedDevices(plan: GpuPlan): readonly string[] {
  return pretendedPieces(plan).map(({ type }) => type ?? "gpu");
}

/**
 * Lines of gres.conf for a node's pretended GPUs. For real GPUs, role `nvidia` writes the lines on the node after it has
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

/** The units that SLURM allocates: whole GPUs and partitions, grouped by type. */
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
