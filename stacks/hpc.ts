import * as pulumi from "@pulumi/pulumi";
import { Playbook } from "../components/ansible/playbook.ts";
import { nfsShare } from "../components/hpc/nfs-share.ts";
import { SlurmCluster } from "../components/hpc/slurm-cluster.ts";
import type { SlurmNodeResources, SlurmPartition } from "../components/hpc/slurm-conf.ts";
import { SmokeJob } from "../components/hpc/smoke-job.ts";
import type { Machine } from "../components/machines/machine.ts";
import { migPartitions } from "../components/gpu/mig-partitions.ts";
import { UserError } from "../config/errors.ts";
import type { HpcCluster, Node } from "../config/site.ts";
import { driverOf, isReal } from "./gpu-driver.ts";
import { gresOf, shardsOf } from "../gpu/index.ts";
import { beegfsOf } from "./beegfs.ts";
import type { MachinesByName } from "./machines.ts";

// Share of memory that the kernel and system services of a small guest use.
const SYSTEM_MEMORY_SHARE = 0.15;

/** Configures machines as an HPC cluster and runs a smoke job. Returns the stack's outputs of the cluster. */
export function configureHpc(hpc: HpcCluster, machines: MachinesByName) {
  const running = hpc.nodes.filter((node) => node.kind === "existing" || node.autoStart);
  const [controller, ...compute] = running;
  if (controller?.role !== "controller") {
    throw new UserError(
      "clusters.hpc.controller.auto_start: a cluster needs a running controller; set auto_start: true",
    );
  }

  const { nfs } = hpc.storage;
  const scratch =
    nfs &&
    nfsShare({
      server: machines.of(nfs.server),
      clients: running.filter(({ name }) => name !== nfs.server).map(({ name }) => machines.of(name)),
      path: nfs.mountPoint,
      allowedSubnet: hpc.network?.subnet ?? "0.0.0.0/0",
      options: nfs.options,
    });

  const beegfs = beegfsOf(hpc, running, machines);

  const cluster = new SlurmCluster(`${hpc.name}-slurm`, {
    // SLURM converts ClusterName to lower case: slurm.conf(5).
    clusterName: hpc.name.toLowerCase(),
    controller: machines.of(controller.name),
    nodes: compute.map((node) => ({ machine: machines.of(node.name), ...slurmResources(node) })),
    partitions: slurmPartitions(hpc, compute),
    accounting: hpc.slurm.accounting,
    config: hpc.slurm.options,
    healthChecks: beegfs !== undefined,
  });

  const driver = driverOf(hpc);
  const partitions = running.flatMap(({ name, gpus, gpuPlan }) => {
    if (!gpus.some(isReal)) return [];
    const args = { machine: machines.of(name), gpus: gpuPlan };
    return [migPartitions({ ...args, ...(driver !== undefined && { driver }) })];
  });

  const configuration = new Playbook(`${hpc.name}-configuration`, {
    playbook: "cluster",
    plays: [
      ...(scratch === undefined ? [] : [scratch]),
      ...(beegfs === undefined ? [] : [beegfs.play]),
      ...partitions,
      cluster.play,
    ],
  });

  // A job needs a running compute node.
  const smokeJob =
    cluster.defaultPartition.nodes.length === 0
      ? undefined
      : new SmokeJob(`${hpc.name}-smoke`, { cluster, after: configuration });

  return {
    machines: hpc.nodes.map((node) => machineOutput(node, machines.of(node.name))),
    slurm: {
      cluster: cluster.clusterName,
      controller: controller.shortName,
      partitions: [...hpc.slurm.partitions]
        .sort((a, b) => Number(b.isDefault) - Number(a.isDefault))
        .map(({ name }) => name),
      nodes: [...cluster.nodeNames],
      accounting: hpc.slurm.accounting,
      ...(nfs !== undefined && { scratch: nfs.mountPoint }),
      ...(beegfs !== undefined && { beegfs: beegfs.mountPoint }),
      ...(smokeJob !== undefined && { smokeJob: smokeJob.result }),
    },
  };
}

/** Resources of a node that SLURM allocates to jobs. */
export function slurmResources({ cpus, memoryMib, gpuPlan }: Node): SlurmNodeResources {
  return {
    cpus,
    realMemory: memoryMib === undefined ? undefined : Math.floor(memoryMib * (1 - SYSTEM_MEMORY_SHARE)),
    gpus: gpuPlan,
  };
}

/** The partitions of the cluster file, limited to running compute nodes. */
export function slurmPartitions(hpc: HpcCluster, compute: readonly Node[]): SlurmPartition[] {
  const running = new Set(compute.map(({ name }) => name));
  return hpc.slurm.partitions.map((partition) => ({
    ...partition,
    nodes: partition.nodes.filter((name) => running.has(name)),
  }));
}

/** The stack's output of a machine. */
export function machineOutput(node: Node, machine: Machine): pulumi.Inputs {
  const plan = node.gpuPlan;
  return {
    name: node.name,
    shortName: node.shortName,
    role: node.role,
    kind: machine.kind,
    address: machine.address,
    ...machine.login,
    ...(node.kind === "virtual" && !node.autoStart && { autoStart: false }),
    ...(plan.length > 0 && { gpus: gresOf(plan) }),
    ...(shardsOf(plan) > 0 && { shards: shardsOf(plan) }),
  };
}
