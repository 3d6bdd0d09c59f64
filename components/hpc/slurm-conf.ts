import {
  gresConf,
  gresOf,
  gresParameter,
  pretendedDevices,
  PRETENDED_FILES,
  shardsOf,
  type GpuPlan,
} from "../../gpu/index.ts";
import type { Variables } from "../ansible/inventory.ts";

/** Resources of a compute node that SLURM allocates to jobs. */
export interface SlurmNodeResources {
  /** Undefined: as slurmd detects. */
  readonly cpus: number | undefined;
  /** Memory for jobs in MiB. Undefined: as slurmd detects. */
  readonly realMemory: number | undefined;
  readonly gpus: GpuPlan;
}

/** A SLURM partition. */
export interface SlurmPartition {
  readonly name: string;
  /** Names of compute nodes; may be empty. */
  readonly nodes: readonly string[];
  readonly isDefault: boolean;
  /** Longest run time of a job, `24:00:00`. */
  readonly maxTime: string;
  readonly state: "UP" | "DOWN" | "DRAIN" | "INACTIVE";
}

export interface SlurmConf {
  /** SLURM's ClusterName, in lower case. */
  readonly clusterName: string;
  readonly nodes: readonly ({ readonly name: string } & SlurmNodeResources)[];
  readonly partitions: readonly SlurmPartition[];
  readonly accounting: boolean;
  /** Further slurm.conf parameters by SLURM's names; they override the generated ones. */
  readonly config: Readonly<Record<string, string | number | boolean>>;
}

// SLURM's feature that marks nodes with pretended GPUs.
const PRETENDED = "pretended_gpu";

// slurmctld 22.05 exits with "no nodes configured" without any node; a node of state FUTURE prevents that.
const PLACEHOLDER = { NodeName: "no-compute-node", State: "FUTURE" };

/** Variables of role `slurm`, without the munge key: the contents of slurm.conf and gres.conf. */
export function slurmVariables({ clusterName, nodes, partitions, accounting, config }: SlurmConf): Variables {
  return {
    slurm_accounting_enabled: accounting,
    slurm_config: { ClusterName: clusterName, ...gresConfig(nodes, accounting), ...config },
    slurm_gres: nodes.flatMap(({ name, gpus }) => gresConf(name, gpus)),
    slurm_pretended_gpus: {
      directory: PRETENDED_FILES,
      devices: Object.fromEntries(nodes.map(({ name, gpus }) => [name, pretendedDevices(gpus)])),
    },
    slurm_nodes: [
      ...(nodes.length === 0 ? [PLACEHOLDER] : []),
      ...nodes.map(({ name, cpus, realMemory, gpus }) => ({
        NodeName: name,
        ...(cpus !== undefined && { CPUs: cpus }),
        ...(realMemory !== undefined && { RealMemory: realMemory }),
        ...(gpus.length > 0 && { Gres: gresParameter(gpus) }),
        // `sinfo -o "%N %G %f"` shows it beside the gres.
        ...(gpus.some(({ pretended }) => pretended) && { Features: PRETENDED }),
        State: "UNKNOWN",
      })),
    ],
    slurm_partitions: partitions.map((partition) => ({
      PartitionName: partition.name,
      // slurmctld would read the next word as the value of an empty `Nodes=`.
      ...(partition.nodes.length > 0 && { Nodes: partition.nodes.join(",") }),
      Default: partition.isDefault ? "YES" : "NO",
      MaxTime: partition.maxTime,
      State: partition.state,
    })),
  };
}

/** Parameters of slurm.conf for GPUs. AccountingStorageTRES needs accounting: without it, slurmctld exits. */
function gresConfig(nodes: SlurmConf["nodes"], accounting: boolean): Readonly<Record<string, string>> {
  const types = new Set(nodes.flatMap(({ gpus }) => gresOf(gpus)).map(({ type }) => type));
  if (types.size === 0) return {};
  const tracked = [...types].filter((type) => type !== undefined).map((type) => `gres/gpu:${type}`);
  const shared = nodes.some(({ gpus }) => shardsOf(gpus) > 0);
  return {
    GresTypes: shared ? "gpu,shard" : "gpu",
    ...(accounting && {
      AccountingStorageTRES: ["gres/gpu", ...tracked, ...(shared ? ["gres/shard"] : [])].join(","),
    }),
  };
}
