/** A kind of partition of a GPU: a GPU instance profile in NVIDIA's words. */
export interface MigProfile {
  /** Compute slices, memory and further engines: `1g.10gb`, `1g.5gb+me`. */
  readonly name: string;
  /** Number of memory slices. */
  readonly size: number;
  /** Possible first memory slices. */
  readonly starts: readonly number[];
  /** NVIDIA's profile ID, for `nvidia-smi mig -cgi`. Undefined if no source gives it. */
  readonly id: number | undefined;
  /** An engine that the GPU has once: only one partition may use it. */
  readonly engine: string | undefined;
}

/** The possible partitions of a GPU. */
export interface Geometry {
  /** Number of memory slices of the GPU. */
  readonly slices: number;
  readonly profiles: readonly MigProfile[];
}

/** A GPU model that has MIG. */
export interface GpuModel {
  /** Name in the cluster file: `a100-40gb`. */
  readonly key: string;
  /** Other names in the cluster file, in lower case with dashes. */
  readonly aliases: readonly string[];
  /** NVIDIA's name. */
  readonly name: string;
  /** SLURM's gres type of the whole GPU: a part of NVML's name. */
  readonly gresType: string;
  readonly geometry: Geometry;
  /** Oldest driver that supports MIG on it. */
  readonly minimumDriver: string;
  /** Source of the geometry. */
  readonly source: string;
  /** True if the starts are those of a GPU with the same geometry, and were not read from hardware. */
  readonly derived: boolean;
}
