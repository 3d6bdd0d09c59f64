import * as pulumi from "@pulumi/pulumi";
import { checkArguments, distinct, problemUnless, type ArgumentProblem } from "../arguments.ts";
import * as host from "../../providers/host/resources.ts";
import type { Variables } from "../ansible/inventory.ts";
import type { Play } from "../ansible/play.ts";
import type { Machine } from "../machines/machine.ts";
import { slurmVariables, type SlurmNodeResources, type SlurmPartition } from "./slurm-conf.ts";

/** A compute node, with the resources that SLURM allocates to jobs. */
export interface SlurmNode extends SlurmNodeResources {
  readonly machine: Machine;
}

export interface SlurmClusterArgs {
  /** SLURM's ClusterName, in lower case. */
  clusterName: string;
  controller: Machine;
  nodes: readonly SlurmNode[];
  partitions: readonly SlurmPartition[];
  /** Whether slurmdbd stores job records in MariaDB. Default: true. */
  accounting?: boolean;
  /** Further slurm.conf parameters by SLURM's names; they override the generated ones. Default: none. */
  config?: Readonly<Record<string, string | number | boolean>>;
  /** Whether another play sets up health checks that may drain nodes. Default: false. */
  healthChecks?: boolean;
}

/** A SLURM cluster: slurmctld, slurmdbd and MariaDB on the controller, slurmd on the nodes, and one munge key for all. */
export class SlurmCluster extends pulumi.ComponentResource {
  readonly clusterName: string;
  readonly controller: Machine;
  /** The partition of jobs that name none. */
  readonly defaultPartition: SlurmPartition;
  /** Names of the compute nodes. */
  readonly nodeNames: readonly string[];
  /** Configures the machines. */
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

/** Arguments that keep slurmctld from starting, or that it would misread. */
function problemsOf({ clusterName, nodes, partitions }: SlurmClusterArgs): ArgumentProblem[] {
  const names = nodes.map(({ machine }) => machine.name);
  const defaults = partitions.filter(({ isDefault }) => isDefault);
  return [
    ...problemUnless(clusterName === clusterName.toLowerCase(), "clusterName", "is not in lower case"),
    ...distinct(names, (i) => `nodes[${i}].machine`),
    ...problemUnless(partitions.length > 0, "partitions", "is empty; give at least one"),
    ...problemUnless(defaults.length <= 1, "partitions", `has ${defaults.length} defaults; SLURM allows one`),
    ...distinct(
      partitions.map((partition) => partition.name),
      (i) => `partitions[${i}].name`,
    ),
    ...partitions.flatMap((partition, i) =>
      partition.nodes.flatMap((node, j) =>
        problemUnless(
          names.includes(node),
          `partitions[${i}].nodes[${j}]`,
          `is ${node}, which is not in nodes`,
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
