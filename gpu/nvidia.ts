import type { GpuModel } from "./geometry.ts";
import { gresType, type GpuPlan, type PlannedGpu } from "./plan.ts";

/** A partition as role `nvidia` creates it. */
export interface NvidiaPartition {
  readonly profile: string;
  /** NVIDIA's number of the profile; left out: whatever the driver has under this name. */
  readonly id?: number;
  /** The memory slice that it begins at. */
  readonly start: number;
}

/** A GPU as role `nvidia` takes and verifies it; `ansible/README.md` says what each key means. */
export interface NvidiaGpu {
  readonly index: number;
  readonly pci_address?: string;
  readonly model?: string;
  readonly names: readonly string[];
  readonly memory_gb?: number;
  readonly minimum_driver?: string;
  readonly gres_type?: string;
  /** How many jobs may share it at a time; left out: one. */
  readonly time_slices?: number;
  /** In creation order; empty: MIG is off. */
  readonly partitions: readonly NvidiaPartition[];
}

/**
 * The GPUs of a node that are really there, in the form of role `nvidia`.
 * @param where `host`: the node has its GPUs at the addresses of the plan; `guest`: it is a VM that sees them at others,
 * so that they are told apart by their order
 */
export function nvidiaGpus(plan: GpuPlan, where: "host" | "guest"): readonly NvidiaGpu[] {
  return plan
    .filter(({ pretended }) => !pretended)
    .map((gpu, index) => ({
      index,
      ...(where === "host" && gpu.pciAddress !== undefined && { pci_address: gpu.pciAddress }),
      // A vGPU has a name and a size of its own type.
      ...(gpu.vgpu === undefined ? identity(gpu) : unnamed(gpu)),
      ...(gpu.timeSlices > 1 && { time_slices: gpu.timeSlices }),
      partitions: gpu.placements.map(({ profile: { name, id }, start }) => ({
        profile: name,
        ...(id !== undefined && { id }),
        start,
      })),
    }));
}

function unnamed(gpu: PlannedGpu): Pick<NvidiaGpu, "names" | "gres_type"> {
  const type = gresType(gpu);
  return { names: [], ...(type !== undefined && { gres_type: type }) };
}

function identity(gpu: PlannedGpu): Omit<NvidiaGpu, "index" | "pci_address" | "time_slices" | "partitions"> {
  const type = gresType(gpu);
  const model = gpu.known?.name ?? gpu.model;
  const memory = gpu.known && memoryOf(gpu.known);
  return {
    ...(model !== undefined && { model }),
    // The family: drivers call one model `A100-SXM4-80GB` and `A100 80GB PCIe`, and its memory tells sizes apart.
    names: type === undefined ? [] : [type.replaceAll("_", "-")],
    ...(memory !== undefined && { memory_gb: memory }),
    ...(gpu.known !== undefined && { minimum_driver: gpu.known.minimumDriver }),
    ...(type !== undefined && { gres_type: type }),
  };
}

/** GB of the profile that takes the whole GPU, `7g.80gb`. */
function memoryOf({ geometry }: GpuModel): number | undefined {
  const whole = geometry.profiles.find(({ size }) => size === geometry.slices);
  const memory = /\.(\d+)gb/.exec(whole?.name ?? "")?.[1];
  return memory === undefined ? undefined : Number(memory);
}
