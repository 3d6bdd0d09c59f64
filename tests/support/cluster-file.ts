import { createHash } from "node:crypto";
import { stringify } from "yaml";

/** What a test wants of a cluster. */
export interface ClusterSpec {
  /** Starts the name of every machine. */
  readonly name: string;
  readonly machines: "vm" | "container";
  readonly computeNodes: number;
  /** MIG profiles of a pretended A100 80GB on each compute node. Default: no GPU. */
  readonly migProfiles?: readonly string[];
  /** How many jobs share a pretended GB10 of each compute node, beside the A100. Default: no such GPU. */
  readonly timeSlices?: number;
  /** A folder of the host that the first compute node has at /mnt/host, to read only. Default: none. */
  readonly hostFolder?: string;
  /** `storage.beegfs` of the file, but for `enabled`. Default: there is none. */
  readonly beegfs?: Readonly<Record<string, unknown>>;
}

/** A SLURM cluster of a controller and some compute nodes, with shared scratch: the text of its cluster file. */
export function clusterFile(spec: ClusterSpec): string {
  const { name, machines, computeNodes, migProfiles, timeSlices, hostFolder, beegfs } = spec;
  const subnet = subnetOf(name);
  return stringify({
    version: "1.0",
    metadata: { name, description: "One test's cluster" },
    machines,
    clusters: {
      hpc: {
        name,
        image: { distribution: "debian12" },
        network: { subnet: `${subnet}.0/24`, bridge: bridgeOf(name) },
        controller: { cpu_cores: 1, memory_mb: 1536, disk_gb: 10, ip_address: `${subnet}.10` },
        compute_nodes: Array.from({ length: computeNodes }, (_, index) => ({
          cpu_cores: migProfiles === undefined ? 1 : 2,
          memory_gb: 1,
          disk_gb: 10,
          ip: `${subnet}.${11 + index}`,
          ...(migProfiles !== undefined && {
            gpus: [
              { model: "a100-80gb", pretend: true, mig: { profiles: migProfiles } },
              ...(timeSlices === undefined
                ? []
                : [{ model: "gb10", pretend: true, time_slices: timeSlices }]),
            ],
          }),
          ...(hostFolder !== undefined &&
            index === 0 && {
              virtio_fs_mounts: [
                { tag: "host", host_path: hostFolder, mount_point: "/mnt/host", options: "ro" },
              ],
            }),
        })),
        slurm_config: { partitions: ["compute"], default_partition: "compute" },
        storage: {
          nfs: { enabled: true, server: "controller", mount_point: "/scratch" },
          ...(beegfs !== undefined && { beegfs: { enabled: true, ...beegfs } }),
        },
      },
    },
  });
}

/** Names of the cluster's machines, the controller first. */
export function machineNames({ name, computeNodes }: Pick<ClusterSpec, "name" | "computeNodes">): string[] {
  const compute = Array.from(
    { length: computeNodes },
    (_, index) => `${name}-compute-${String(index + 1).padStart(2, "0")}`,
  );
  return [`${name}-controller`, ...compute];
}

export function bridgeOf(name: string): string {
  return `virbr-${name}`;
}

/** The first three numbers of the cluster's network: each name has one of its own. */
function subnetOf(name: string): string {
  return `10.213.${createHash("sha256").update(name).digest().readUInt8(0)}`;
}
