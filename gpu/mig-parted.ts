import { stringify } from "yaml";
import type { GpuPlan } from "./plan.ts";

/** Name of the only configuration in the file. */
export const MIG_CONFIG = "ai-how";

/** A node's partitions as a file of mig-parted, format `v1`. The format has counts, but no placements. */
export function migParted(plan: GpuPlan): string {
  const devices = plan
    .filter(({ pretended }) => !pretended)
    .map(({ index, placements }) => ({
      devices: [index],
      "mig-enabled": placements.length > 0,
      ...(placements.length > 0 && { "mig-devices": counts(placements.map(({ profile }) => profile.name)) }),
    }));
  return stringify({ version: "v1", "mig-configs": { [MIG_CONFIG]: devices } });
}

/** Arguments of `nvidia-smi mig --create-gpu-instance`, `id:start`, in creation order. */
export function creationOrder(plan: GpuPlan[number]): readonly string[] {
  return plan.placements.map(({ profile, start }) => `${profile.id ?? profile.name}:${start}`);
}

function counts(names: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of names) result[name] = (result[name] ?? 0) + 1;
  return result;
}
