/** Plans GPUs: models, MIG partitions, and their names in SLURM and Kubernetes. Pure functions. */
export { findGpuModel, gpuModels, isKnownGpu, knownGpuNames, whyUnpartitioned } from "./catalogue.ts";
export type { Geometry, GpuModel, MigProfile } from "./geometry.ts";
export { kubernetesResources, nodeLabels } from "./kubernetes.ts";
export { compareListing, listedDevices, listedProfiles, type ListedProfile } from "./listing.ts";
export { creationOrder, migParted } from "./mig-parted.ts";
export { nvidiaGpus, type NvidiaGpu } from "./nvidia.ts";
export {
  planGpus,
  type GpuPlan,
  type GpuProblem,
  type GpuRequest,
  type PlannedGpu,
  type Vgpu,
} from "./plan.ts";
export { placePartitions, type Placement, type Placing } from "./planner.ts";
export {
  gresConf,
  gresOf,
  gresParameter,
  pretendedDevices,
  PRETENDED_FILES,
  shardsOf,
  type Gres,
} from "./slurm.ts";
