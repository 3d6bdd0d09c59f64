import * as pulumi from "@pulumi/pulumi";
import { checkArguments, distinct, problemUnless, type ArgumentProblem } from "../arguments.ts";
import * as host from "../../providers/host/resources.ts";
import type { Variables } from "../ansible/inventory.ts";
import type { Play } from "../ansible/play.ts";
import type { Machine } from "../machines/machine.ts";
import { slurmVariables, type SlurmNodeResources, type SlurmPartition } from "./slurm-conf.ts";

/** A compute node and what SLURM may give to jobs on it. */
export interface SlurmNode extends SlurmNodeResources {
  readonly machine: Machine;
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
  /** Whether nodes may be drained for other reasons than their GPUs by what another play has set up. Default false. */
  healthChecks?: boolean;
}

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
    checkArguments(name, problemsOf(args));
    const conf = slurmVariables({
      clusterName: args.clusterName,
      nodes: args.nodes.map(({ machine, ...resources }) => ({ name: machine.name, ...resources })),
      partitions: args.partitions,
      accounting: args.accounting ?? true,
      config: args.config ?? {},
    });
    this.clusterName = args.clusterName;
    this.controller = args.controller;
    this.defaultPartition = defaultPartition(args.partitions);
    this.nodeNames = args.nodes.map(({ machine }) => machine.name);

    const mungeKey = new host.RandomSecret(`${name}-munge-key`, { bytes: 128 }, { parent: this });

    const drains =
      args.healthChecks === true || args.nodes.some(({ gpus }) => gpus.length > 0)
        ? [new host.SlurmDrains(`${name}-drains`, { ssh: args.controller.ssh }, { parent: this })]
        : [];

    this.play = {
      roles: ["slurm"],
      rerunOn: drains.map(({ occasions }) => occasions),
      groups: {
        slurm_controller: [args.controller],
        slurm_compute: args.nodes.map(({ machine }) => machine),
      },
      variables: mungeKey.value.apply((munge): Variables => ({ slurm_munge_key: munge, ...conf })),
    };
    this.registerOutputs({ clusterName: this.clusterName });
  }
}

/** What slurmctld would not start with, or would not do as it was meant. */
function problemsOf({ clusterName, nodes, partitions }: SlurmClusterArgs): ArgumentProblem[] {
  const names = nodes.map(({ machine }) => machine.name);
  const defaults = partitions.filter(({ isDefault }) => isDefault);
  return [
    ...problemUnless(clusterName === clusterName.toLowerCase(), "clusterName", "is not in lower case"),
    ...distinct(names, (i) => `nodes[${i}].machine`),
    ...problemUnless(partitions.length > 0, "partitions", "is empty; give at least one"),
    ...problemUnless(defaults.length <= 1, "partitions", `has ${defaults.length} defaults; SLURM has one`),
    ...distinct(
      partitions.map((partition) => partition.name),
      (i) => `partitions[${i}].name`,
    ),
    ...partitions.flatMap((partition, i) =>
      partition.nodes.flatMap((node, j) =>
        problemUnless(
          names.includes(node),
          `partitions[${i}].nodes[${j}]`,
          `is ${node}, which is none of nodes`,
        ),
      ),
    ),
  ];
}

function defaultPartition(partitions: readonly SlurmPartition[]): SlurmPartition {
  const found = partitions.find(({ isDefault }) => isDefault) ?? partitions[0];
  if (found === undefined) throw new Error("no partition: the arguments were not checked");
  return found;
}
