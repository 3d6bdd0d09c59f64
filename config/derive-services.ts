import camelcaseKeys from "camelcase-keys";
import { fullName, withoutCluster } from "./naming.ts";
import { projectRoot } from "./project-folders.ts";
import type { HpcClusterConfig } from "./schema/cluster.ts";
import { asOptions } from "./schema/slurm.ts";
import type { WorkshopConfig } from "./schema/workshop.ts";
import type { Beegfs, Node, Slurm, Storage, Workshop } from "./site.ts";

/** SLURM of the file, with full node names and defaults filled in. */
export function slurmOf(cluster: HpcClusterConfig, nodes: readonly Node[]): Slurm {
  const config = cluster.slurm_config;
  const maxJobTime = config.max_job_time ?? "UNLIMITED";
  const partitions = config.partitions.map(asOptions);
  const defaultName =
    config.default_partition ??
    (partitions.find((partition) => partition.default === true) ?? partitions[0])?.name;
  const compute = nodes.filter((node) => node.role === "compute");
  return {
    partitions: partitions.map((partition, i) => ({
      name: partition.name,
      nodes:
        partition.nodes?.map((node) => nodeName(cluster, node)) ??
        // A partition `gpu` without options has the nodes with a GPU.
        namesFor(config.partitions[i] === "gpu" ? compute.filter(hasGpu) : [], compute),
      isDefault: partition.name === defaultName,
      maxTime: partition.max_time ?? maxJobTime,
      state: partition.state ?? "UP",
    })),
    maxJobTime,
    accounting: config.accounting?.enabled ?? true,
    options: config.options,
  };
}

/** Names of the preferred nodes, or of all nodes if there are none. */
function namesFor(preferred: readonly Node[], all: readonly Node[]): string[] {
  return (preferred.length > 0 ? preferred : all).map((node) => node.name);
}

function hasGpu(node: Node): boolean {
  const passed = node.kind === "virtual" && node.passthrough.some((device) => device.type === "gpu");
  return passed || node.gpus.length > 0;
}

/** The enabled storage of the file, with full node names and defaults filled in. */
export function storageOf(cluster: HpcClusterConfig, nodes: readonly Node[]): Storage {
  const { nfs, beegfs } = cluster.storage ?? {};
  const compute = nodes.filter((node) => node.role === "compute").map((node) => node.name);
  return {
    nfs:
      nfs?.enabled === true
        ? {
            server: nodeName(cluster, nfs.server),
            mountPoint: nfs.mount_point,
            options: nfs.options,
          }
        : undefined,
    beegfs:
      beegfs?.enabled === true
        ? {
            managementNode: nodeName(cluster, beegfs.management_node),
            metadataNodes: (beegfs.metadata_nodes ?? [beegfs.management_node]).map((node) =>
              nodeName(cluster, node),
            ),
            storageNodes:
              beegfs.storage_nodes?.map((node) => nodeName(cluster, node)) ??
              (compute.length > 0 ? compute : [nodeName(cluster, beegfs.management_node)]),
            mountPoint: beegfs.mount_point,
            mountOptions: beegfs.client_config?.mount_options ?? "defaults,_netdev",
            autoMount: beegfs.client_config?.auto_mount ?? true,
            version: beegfs.version,
            dataDirectory: beegfs.data_directory,
            packages: packagesOf(beegfs.packages),
            tls: beegfs.tls,
            license: beegfs.license,
          }
        : undefined,
  };
}

type BeegfsConfig = NonNullable<NonNullable<HpcClusterConfig["storage"]>["beegfs"]>;

function packagesOf(config: BeegfsConfig["packages"]): Beegfs["packages"] {
  const { directory, repository, key } = config ?? {};
  if (directory !== undefined) return { from: "directory", directory };
  if (repository !== undefined && key !== undefined) return { from: "repository", repository, key };
  return { from: "makers" };
}

/** The full name of a node. The file may give it with or without the cluster's name. */
function nodeName(cluster: HpcClusterConfig, node: string): string {
  return fullName(cluster.name, withoutCluster(cluster.name, node));
}

/** The workshop of the file, with the folder of each environment filled in. */
export function workshopOf(config: WorkshopConfig): Workshop {
  const workshop = camelcaseKeys(config, { deep: true });
  const devEnvironments = workshop.devEnvironments.map((environment) => ({
    ...environment,
    root: (environment.root ?? projectRoot(environment.projectId)).replace(/(?<=.)\/+$/, ""),
  }));
  return { ...workshop, devEnvironments };
}
