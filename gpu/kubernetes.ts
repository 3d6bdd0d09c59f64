import { gresType, type GpuPlan } from "./plan.ts";

/**
 * Counts of a node's GPUs by the resource names of NVIDIA's device plugin, with MIG strategy `mixed`, and with
 * `renameByDefault` for GPUs that are shared by time slices.
 */
export function kubernetesResources(plan: GpuPlan): Readonly<Record<string, number>> {
  const resources: Record<string, number> = {};
  const add = (name: string, count = 1): void => {
    resources[name] = (resources[name] ?? 0) + count;
  };
  for (const { placements, timeSlices } of plan) {
    if (timeSlices > 1) add("nvidia.com/gpu.shared", timeSlices);
    else if (placements.length === 0) add("nvidia.com/gpu");
    for (const { profile } of placements) add(`nvidia.com/mig-${resourceName(profile.name)}`);
  }
  return resources;
}

/** Labels of a node with these GPUs. */
export function nodeLabels(plan: GpuPlan): Readonly<Record<string, string>> {
  if (plan.length === 0) return {};
  const partitioned = plan.some(({ placements }) => placements.length > 0);
  const types = [...new Set(plan.map((gpu) => gresType(gpu)).filter((type) => type !== undefined))];
  return {
    "nvidia.com/gpu.present": "true",
    "nvidia.com/gpu.count": String(plan.length),
    ...(types.length === 1 && types[0] !== undefined && { "nvidia.com/gpu.product": types[0] }),
    ...(partitioned && { "nvidia.com/mig.strategy": "mixed" }),
    ...(plan.some(({ pretended }) => pretended) && { "ai-how/gpu.pretended": "true" }),
  };
}

/** The device plugin's name of a profile: `1g.5gb.me` for `1g.5gb+me`. */
function resourceName(profile: string): string {
  return profile.replaceAll("+", ".").replaceAll("-", ".no");
}
