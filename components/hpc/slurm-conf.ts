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

/** What SLURM may give to jobs on a compute node. */
export interface SlurmNodeResources {
  /** Undefined: what slurmd finds. */
  readonly cpus: number | undefined;
  /** MiB for jobs; undefined: what slurmd finds. */
  readonly realMemory: number | undefined;
  /** What it has of GPUs; empty: none. */
  readonly gpus: GpuPlan;
}

/** A SLURM partition, in SLURM's words. */
export interface SlurmPartition {
  readonly name: string;
  /** Names of machines; may be empty. */
  readonly nodes: readonly string[];
  readonly isDefault: boolean;
  /** Longest run time of a job, `24:00:00`. */
  readonly maxTime: string;
  readonly state: "UP" | "DOWN" | "DRAIN" | "INACTIVE";
}

export interface SlurmConf {
  /** SLURM's ClusterName; lower case. */
  readonly clusterName: string;
  readonly nodes: readonly ({ readonly name: string } & SlurmNodeResources)[];
  readonly partitions: readonly SlurmPartition[];
  readonly accounting: boolean;
  /** Further slurm.conf parameters by SLURM's own names; they win over ours. */
  readonly config: Readonly<Record<string, string | number | boolean>>;
}

// The feature of nodes whose GPUs SLURM only counts.
const PRETENDED = "pretended_gpu";

// slurmctld 22.05 ends itself with "no nodes configured" where there is none; one that is to come keeps it.
const PLACEHOLDER = { NodeName: "no-compute-node", State: "FUTURE" };

/** slurm.conf and gres.conf as variables of role `slurm`; all but the munge key. */
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
      // With nothing behind it, slurmctld takes what follows for its value.
      ...(partition.nodes.length > 0 && { Nodes: partition.nodes.join(",") }),
      Default: partition.isDefault ? "YES" : "NO",
      MaxTime: partition.maxTime,
      State: partition.state,
    })),
  };
}

/** What slurm.conf says of GPUs in general. Their types are accounted for where somebody keeps accounts: else slurmctld ends itself. */
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
