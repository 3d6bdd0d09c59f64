import { gresType, type GpuPlan } from "./plan.ts";

/**
 * What the NVIDIA device plugin offers of a node, by resource name, with MIG strategy `mixed`, and `renameByDefault` where GPUs
 * are shared by time slices.
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

/** The labels that a node with these GPUs has before anything runs on it. */
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

/** The device plugin's spelling: `1g.5gb+me` is `1g.5gb.me`. */
function resourceName(profile: string): string {
  return profile.replaceAll("+", ".").replaceAll("-", ".no");
}
