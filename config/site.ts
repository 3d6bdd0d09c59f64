import type { CamelCaseKeys } from "camelcase-keys";
import type { GpuPlan } from "../gpu/index.ts";
import type { WorkshopConfig } from "./schema/workshop.ts";

/** The cluster file with defaults filled in, and names and addresses derived. */
export interface Site {
  readonly name: string;
  readonly description: string;
  /** Kind of the nodes that are not existing hosts. */
  readonly machines: "vm" | "container";
  /** Whether machines reach networks outside. */
  readonly internet: boolean;
  readonly hostBudget: HostBudget | undefined;
  readonly hpc: HpcCluster | undefined;
  readonly cloud: CloudCluster | undefined;
  /** The clusters that exist, `hpc` before `cloud`. */
  readonly clusters: readonly Cluster[];
  readonly workshop: Workshop | undefined;
}

/** The services on the host for people who build and train there: the file's section `workshop`, with keys in camel case. */
export type Workshop = Omit<CamelCaseKeys<WorkshopConfig, true>, "devEnvironments"> & {
  readonly devEnvironments: readonly DevEnvironmentSite[];
};

/** One project's development containers. `root` is an absolute path without a trailing slash. */
export type DevEnvironmentSite = CamelCaseKeys<WorkshopConfig["dev_environments"][number]> & {
  readonly root: string;
};

/** Resources of the host for all virtual nodes together. Undefined: no limit. */
export interface HostBudget {
  readonly cpus: number | undefined;
  readonly memoryGib: number | undefined;
  readonly diskGib: number | undefined;
}

export type Cluster = HpcCluster | CloudCluster;

interface ClusterBase {
  readonly name: string;
  /** Undefined if every node is an existing host. */
  readonly network: Network | undefined;
  /** The cluster's DNS domain, `<name>.local`. */
  readonly domain: string;
  /** The controller or control plane first. */
  readonly nodes: readonly Node[];
  readonly acceleration: Acceleration;
  /** Image of the nodes that have none of their own. */
  readonly image: Image | undefined;
}

/** A SLURM cluster. */
export interface HpcCluster extends ClusterBase {
  readonly kind: "hpc";
  readonly slurm: Slurm;
  /** NVIDIA's driver on nodes with real GPUs. Undefined: the defaults of role `nvidia`, and no driver in images. */
  readonly driver: NvidiaDriver | undefined;
  readonly storage: Storage;
}

/** Version and source of NVIDIA's driver. */
export interface NvidiaDriver {
  readonly source: "distribution" | "nvidia" | "none";
  /** Ubuntu's branch, `580-server`. */
  readonly branch: string | undefined;
  /** Version of the packages, as apt writes it. Undefined: the newest. */
  readonly version: string | undefined;
  readonly modules: "open" | "proprietary";
  readonly repository: { readonly uri: string; readonly key: string } | undefined;
  /** Whether images of nodes with GPUs contain the driver. */
  readonly bake: boolean;
}

/** A Kubernetes cluster. */
export interface CloudCluster extends ClusterBase {
  readonly kind: "cloud";
  readonly kubernetes: Kubernetes;
}

/** The virtual network of a cluster. Addresses are dotted. */
export interface Network {
  /** `<cluster>-network`. */
  readonly name: string;
  readonly bridge: string;
  /** `10.0.0.0/24` */
  readonly subnet: string;
  readonly gateway: string;
  readonly dhcpStart: string;
  readonly dhcpEnd: string;
  /** Forwarders of the network's DNS server. Empty: the host's resolvers. */
  readonly dnsServers: readonly string[];
  readonly dnsMode: "isolated" | "shared_dns" | "routed" | "service_discovery";
  /** Domain and DNS address of the service discovery. */
  readonly serviceDiscovery: { readonly type: string; readonly address: string } | undefined;
  readonly domain: string;
}

export type Node = VirtualNode | ExistingNode;

interface NodeBase {
  /** Hostname, unique in the site: `<cluster>-compute-01`. */
  readonly name: string;
  /** Name inside the cluster: `compute-01`. */
  readonly shortName: string;
  readonly role: "controller" | "compute" | "control-plane" | "worker";
  /** Address inside the cluster, from the file or derived. Undefined: an existing host of which only the name is known. */
  readonly address: string | undefined;
  /** GPUs as in the file. */
  readonly gpus: readonly Gpu[];
  /** The same GPUs one by one, with placements of their partitions. */
  readonly gpuPlan: GpuPlan;
}

/** A VM or container. */
export interface VirtualNode extends NodeBase {
  readonly kind: "virtual";
  readonly cpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly mac: string;
  /** False: `up` defines it, but does not start it. */
  readonly autoStart: boolean;
  /** Devices of the host to pass through, without duplicates. */
  readonly passthrough: readonly PassthroughDevice[];
  readonly mounts: readonly Mount[];
  /** Its own image, or the cluster's. */
  readonly image: Image;
}

/** An existing host, reached by SSH. Sizes limit the scheduler. Undefined: all that the host has. */
export interface ExistingNode extends NodeBase {
  readonly kind: "existing";
  readonly ssh: Ssh;
  readonly cpus: number | undefined;
  readonly memoryMib: number | undefined;
  readonly diskGib: number | undefined;
}

export interface Ssh {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Public host key, `ssh-ed25519 AAAA...`. */
  readonly hostKey: string;
  /** Undefined: the keys of the SSH agent or client. */
  readonly privateKeyPath: string | undefined;
}

export interface PassthroughDevice {
  /** `0000:65:00.0`, in lower case. */
  readonly pciAddress: string;
  readonly type: "gpu" | "audio" | "network" | "storage" | "other";
  readonly vendorId: string | undefined;
  readonly deviceId: string | undefined;
  readonly iommuGroup: number | undefined;
}

/** A folder of the host that a node mounts. Owners and modes are those on the host. */
export interface Mount {
  readonly tag: string;
  readonly hostPath: string;
  readonly mountPoint: string;
  /** Mount options, `rw,relatime`. */
  readonly options: string;
}

/** One or more identical GPUs of a node. */
export interface Gpu {
  /** Undefined: not given; the device at the address decides. */
  readonly model: string | undefined;
  readonly pciAddress: string | undefined;
  /** True: the scheduler counts the GPU, but no device exists. */
  readonly pretended: boolean;
  readonly count: number;
  /** MIG profiles, one per partition. Empty: not partitioned. */
  readonly migProfiles: readonly string[];
  /** Number of jobs that may share a GPU by time slices. Undefined: 1. */
  readonly timeSlices: number | undefined;
  /** vGPU that the host creates on its GPU. Undefined: the whole device. */
  readonly vgpu: { readonly backend: "mdev" | "vendor-vfio"; readonly type: number } | undefined;
}

export type Image =
  | {
      readonly kind: "file";
      /** Absolute path; the file need not exist yet. */
      readonly path: string;
      /** The path as in the cluster file. */
      readonly given: string;
    }
  | {
      readonly kind: "built";
      readonly distribution: "debian12" | "ubuntu2404";
      /** URL of the package mirror. Undefined: the distribution's. */
      readonly mirror: string | undefined;
    }
  | {
      readonly kind: "packer";
      readonly distribution: "debian12" | "ubuntu2404";
      /** Image that Packer boots: the distribution's pinned cloud image, an image of kind `built`, or a download. */
      readonly source: "cloud" | "mmdebstrap" | { readonly url: string; readonly checksum: string };
      /** As for `built`; used with source `mmdebstrap`. */
      readonly mirror: string | undefined;
    };

/** How VMs use the host's hardware. */
export interface Acceleration {
  readonly mode: "auto" | "kvm" | "tcg";
  readonly nested: boolean;
  readonly cpuModel: "host-passthrough" | "host-model" | "qemu64";
  readonly cpuFeatures: readonly { readonly name: string; readonly policy: "require" | "disable" }[];
  /** Cores per socket follow: CPUs / (sockets x threads). Undefined: QEMU's default. */
  readonly cpuTopology: { readonly sockets: number; readonly threads: number } | undefined;
  /** Number of NUMA nodes of a VM. Undefined: 1. */
  readonly numaNodes: number | undefined;
  readonly cpuPinning: boolean;
  /** Size of huge pages. Undefined: ordinary pages. */
  readonly hugepages: "2M" | "1G" | undefined;
  /** True: other processes can map the memory, as virtiofs needs. */
  readonly sharedMemory: boolean;
}

export interface Slurm {
  readonly partitions: readonly Partition[];
  /** Longest run time of a job, in SLURM's format. */
  readonly maxJobTime: string;
  /** True: slurmdbd stores job records. */
  readonly accounting: boolean;
  /** Further slurm.conf parameters. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export interface Partition {
  readonly name: string;
  /** Full names of compute nodes; empty if the cluster has none. */
  readonly nodes: readonly string[];
  /** True for exactly one partition of a cluster. */
  readonly isDefault: boolean;
  readonly maxTime: string;
  readonly state: "UP" | "DOWN" | "DRAIN" | "INACTIVE";
}

/** Shared storage. Undefined: disabled. Nodes are full names. */
export interface Storage {
  readonly nfs: Nfs | undefined;
  readonly beegfs: Beegfs | undefined;
}

export interface Nfs {
  readonly server: string;
  /** Folder on the server, and mount point on the clients. */
  readonly mountPoint: string;
  readonly options: string;
}

export interface Beegfs {
  readonly managementNode: string;
  readonly metadataNodes: readonly string[];
  readonly storageNodes: readonly string[];
  readonly mountPoint: string;
  readonly mountOptions: string;
  readonly autoMount: boolean;
  /** Undefined: the version in versions/tools.ts. */
  readonly version: string | undefined;
  /** Absolute path of the data folder on metadata and storage nodes. */
  readonly dataDirectory: string;
  /** Source of the packages. Paths are on this host. */
  readonly packages:
    | { readonly from: "makers" }
    | { readonly from: "repository"; readonly repository: string; readonly key: string }
    | { readonly from: "directory"; readonly directory: string };
  /** Paths of PEM files on this host. Undefined: self-signed by the management node. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  /** Path of a PEM file on this host. Undefined: none. */
  readonly license: string | undefined;
}

export interface Kubernetes {
  readonly cni: string;
  readonly ingress: string;
  readonly storageClass: string;
}
