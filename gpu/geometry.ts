/** One kind of partition that a GPU can be cut into, in NVIDIA's words a GPU instance profile. */
export interface MigProfile {
  /** `1g.10gb`, `1g.5gb+me`: compute slices, memory, and what else it gets. */
  readonly name: string;
  /** Memory slices that it takes. */
  readonly size: number;
  /** The memory slices that it can begin at. */
  readonly starts: readonly number[];
  /** NVIDIA's number for it, for `nvidia-smi mig -cgi`; undefined where no source gives it. */
  readonly id: number | undefined;
  /** An engine that the GPU has once: of all profiles that name it, only one partition can be there. */
  readonly engine: string | undefined;
}

/** How a GPU can be cut. */
export interface Geometry {
  /** Memory slices. */
  readonly slices: number;
  readonly profiles: readonly MigProfile[];
}

/** A GPU model that has MIG. */
export interface GpuModel {
  /** How the cluster file calls it: `a100-40gb`. */
  readonly key: string;
  /** Other names for it in the cluster file, in lower case with dashes. */
  readonly aliases: readonly string[];
  /** What NVIDIA calls it. */
  readonly name: string;
  /** SLURM's type of the whole GPU, part of the name that NVML detects. */
  readonly gresType: string;
  readonly geometry: Geometry;
  /** The oldest driver that cuts it. */
  readonly minimumDriver: string;
  /** Where the geometry comes from. */
  readonly source: string;
  /** True where start slices were not read from hardware but follow from a part with the same geometry. */
  readonly derived: boolean;
}
