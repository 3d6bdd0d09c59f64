import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import {
  gresConf,
  gresOf,
  gresParameter,
  pretendedDevices,
  PRETENDED_FILES,
  type GpuPlan,
} from "../../gpu/index.ts";
import type { Variables } from "../ansible/inventory.ts";
import type { Play } from "../ansible/play.ts";
import type { Machine } from "../machines/machine.ts";

/** A compute node and what SLURM may give to jobs on it. */
export interface SlurmNode {
  readonly machine: Machine;
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
  /** Names of machines. */
  readonly nodes: readonly string[];
  readonly isDefault: boolean;
  /** Longest run time of a job, `24:00:00`. */
  readonly maxTime: string;
  readonly state: "UP" | "DOWN" | "DRAIN" | "INACTIVE";
}

export interface SlurmClusterArgs {
  /** SLURM's ClusterName; lower case. */
  clusterName: string;
  controller: Machine;
  nodes: readonly SlurmNode[];
  partitions: readonly SlurmPartition[];
  /** Whether slurmdbd and MariaDB keep job records. Default true. */
  accounting?: boolean;
  /** Further slurm.conf parameters by SLURM's own names; they win over ours. Default none. */
  config?: Readonly<Record<string, string | number | boolean>>;
}

// The feature of nodes whose GPUs SLURM only counts.
const PRETENDED = "pretended_gpu";

/** A SLURM cluster on machines: slurmctld (and slurmdbd with MariaDB) on one, slurmd on the others, one munge key. */
export class SlurmCluster extends pulumi.ComponentResource {
  readonly clusterName: string;
  readonly controller: Machine;
  /** Where jobs go that name no partition. */
  readonly defaultPartition: SlurmPartition;
  /** Names of the compute nodes. */
  readonly nodeNames: readonly string[];
  /** What Ansible has to apply for it. */
  readonly play: Play;

  constructor(name: string, args: SlurmClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:hpc:SlurmCluster", name, {}, opts);
    const accounting = args.accounting ?? true;
    this.clusterName = args.clusterName;
    this.controller = args.controller;
    this.defaultPartition = defaultPartition(args.partitions);
    this.nodeNames = args.nodes.map(({ machine }) => machine.name);

    const mungeKey = new host.RandomSecret(`${name}-munge-key`, { bytes: 128 }, { parent: this });

    this.play = {
      roles: ["slurm"],
      groups: {
        slurm_controller: [args.controller],
        slurm_compute: args.nodes.map(({ machine }) => machine),
      },
      variables: mungeKey.value.apply((munge): Variables => ({
        slurm_munge_key: munge,
        slurm_accounting_enabled: accounting,
        slurm_config: { ClusterName: args.clusterName, ...gresConfig(args.nodes), ...args.config },
        slurm_gres: args.nodes.flatMap(({ machine, gpus }) => gresConf(machine.name, gpus)),
        slurm_pretended_gpus: {
          directory: PRETENDED_FILES,
          devices: Object.fromEntries(
            args.nodes.map(({ machine, gpus }) => [machine.name, pretendedDevices(gpus)]),
          ),
        },
        slurm_nodes: args.nodes.map(({ machine, cpus, realMemory, gpus }) => ({
          NodeName: machine.name,
          ...(cpus !== undefined && { CPUs: cpus }),
          ...(realMemory !== undefined && { RealMemory: realMemory }),
          ...(gpus.length > 0 && { Gres: gresParameter(gpus) }),
          // `sinfo -o "%N %G %f"` shows it beside the gres.
          ...(gpus.some(({ pretended }) => pretended) && { Features: PRETENDED }),
          State: "UNKNOWN",
        })),
        slurm_partitions: args.partitions.map((partition) => ({
          PartitionName: partition.name,
          Nodes: partition.nodes.join(","),
          Default: partition.isDefault ? "YES" : "NO",
          MaxTime: partition.maxTime,
          State: partition.state,
        })),
      })),
    };
    this.registerOutputs({ clusterName: this.clusterName });
  }
}

/** What slurm.conf says of GPUs in general: their types are accounted for. */
function gresConfig(nodes: readonly SlurmNode[]): Readonly<Record<string, string>> {
  const types = new Set(nodes.flatMap(({ gpus }) => gresOf(gpus)).map(({ type }) => type));
  if (types.size === 0) return {};
  const tracked = [...types].filter((type) => type !== undefined).map((type) => `gres/gpu:${type}`);
  return { GresTypes: "gpu", AccountingStorageTRES: ["gres/gpu", ...tracked].join(",") };
}

function defaultPartition(partitions: readonly SlurmPartition[]): SlurmPartition {
  const found = partitions.find(({ isDefault }) => isDefault) ?? partitions[0];
  if (found === undefined) {
    throw new pulumi.InputPropertiesError({
      message: "a SLURM cluster has no partitions",
      errors: [{ propertyPath: "partitions", reason: "give at least one" }],
    });
  }
  return found;
}
