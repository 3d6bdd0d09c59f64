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
  const gres = new Map<string, Gres>();
  for (const gpu of plan) {
    const types =
      gpu.placements.length === 0 ? [gresType(gpu)] : gpu.placements.map(({ profile }) => profile.name);
    for (const type of types) {
      const count = (gres.get(type ?? "")?.count ?? 0) + 1;
      gres.set(type ?? "", { type, count, pretended: gpu.pretended });
    }
  }
  return [...gres.values()];
}

/** A NodeName line's `Gres=`: `gpu:3g.20gb:1,gpu:1g.5gb:4`; undefined where the node has no GPU. */
export function gresParameter(plan: GpuPlan): string | undefined {
  const gres = gresOf(plan);
  if (gres.length === 0) return undefined;
  return gres
    .map(({ type, count }) => ["gpu", type, count].filter((part) => part !== undefined).join(":"))
    .join(",");
}

/** Where a node keeps a file in the place of each pretended GPU or partition: SLURM ignores a GPU without a file. */
export const PRETENDED_FILES = "/var/lib/ai-how/pretended-gpu";

/** What each such file stands for, `gpu0`, `gpu1`, ...: a partition's profile or a GPU's type. */
export function pretendedDevices(plan: GpuPlan): readonly string[] {
  return gresOf(plan)
    .filter(({ pretended }) => pretended)
    .flatMap(({ type, count }) => Array.from({ length: count }, () => type ?? "gpu"));
}

/**
 * The lines of gres.conf for a node's pretended GPUs. A node writes those of its real ones itself, when role `nvidia` has
 * verified them. Source: gres.conf(5).
 */
export function gresConf(nodeName: string, plan: GpuPlan): readonly string[] {
  const lines: string[] = [];
  let next = 0;
  for (const { type, count } of gresOf(plan).filter(({ pretended }) => pretended)) {
    const kind = type === undefined ? "" : ` Type=${type}`;
    lines.push(
      `NodeName=${nodeName} Name=gpu${kind} File=${PRETENDED_FILES}/gpu[${next}-${next + count - 1}]`,
    );
    next += count;
  }
  return lines;
}
