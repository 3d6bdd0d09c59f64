import type { GpuModel } from "./geometry.ts";
import { gresType, type GpuPlan, type PlannedGpu } from "./plan.ts";

/** A partition in the variables of role `nvidia`. */
export interface NvidiaPartition {
  readonly profile: string;
  /** NVIDIA's profile ID. Default: the driver's ID of the profile's name. */
  readonly id?: number;
  /** First memory slice. */
  readonly start: number;
}

/** A GPU in the variables of role `nvidia`; `ansible/README.md` describes each key. */
export interface NvidiaGpu {
  readonly index: number;
  readonly pci_address?: string;
  readonly model?: string;
  readonly names: readonly string[];
  readonly memory_gb?: number;
  readonly minimum_driver?: string;
  readonly gres_type?: string;
  /** Number of jobs that may share it. Default: 1. */
  readonly time_slices?: number;
  /** Partitions in creation order. Empty: MIG is off. */
  readonly partitions: readonly NvidiaPartition[];
}

/**
 * The real GPUs of a node as variables of role `nvidia`.
 * @param where `host`: the GPUs have the PCI addresses of the plan. `guest`: a VM, in which they have other addresses and are
 * identified by their order
 */
export function nvidiaGpus(plan: GpuPlan, where: "host" | "guest"): readonly NvidiaGpu[] {
  return plan
    .filter(({ pretended }) => !pretended)
    .map((gpu, index) => ({
      index,
      ...(where === "host" && gpu.pciAddress !== undefined && { pci_address: gpu.pciAddress }),
      // The name and memory of a vGPU are those of its type.
      ...(gpu.vgpu === undefined ? identity(gpu) : vgpuIdentity(gpu)),
      ...(gpu.timeSlices > 1 && { time_slices: gpu.timeSlices }),
      partitions: gpu.placements.map(({ profile: { name, id }, start }) => ({
        profile: name,
        ...(id !== undefined && { id }),
        start,
      })),
    }));
}

function vgpuIdentity(gpu: PlannedGpu): Pick<NvidiaGpu, "names" | "gres_type"> {
  const type = gresType(gpu);
  return { names: [], ...(type !== undefined && { gres_type: type }) };
}

function identity(gpu: PlannedGpu): Omit<NvidiaGpu, "index" | "pci_address" | "time_slices" | "partitions"> {
  const type = gresType(gpu);
  const model = gpu.known?.name ?? gpu.model;
  const memory = gpu.known && memoryOf(gpu.known);
  return {
    ...(model !== undefined && { model }),
    // Only the family, because drivers name one model `A100-SXM4-80GB` or `A100 80GB PCIe`. The memory identifies the size.
    names: type === undefined ? [] : [type.replaceAll("_", "-")],
    ...(memory !== undefined && { memory_gb: memory }),
    ...(gpu.known !== undefined && { minimum_driver: gpu.known.minimumDriver }),
    ...(type !== undefined && { gres_type: type }),
  };
}

/** Memory of the whole GPU in GB, from the name of its largest profile, `7g.80gb`. */
function memoryOf({ geometry }: GpuModel): number | undefined {
  const whole = geometry.profiles.find(({ size }) => size === geometry.slices);
  const memory = /\.(\d+)gb/.exec(whole?.name ?? "")?.[1];
  return memory === undefined ? undefined : Number(memory);
}
