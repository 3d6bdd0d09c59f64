import type { CamelCaseKeys } from "camelcase-keys";
import type { GpuPlan } from "../gpu/index.ts";
import type { WorkshopConfig } from "./schema/workshop.ts";

/** What a site is made of: the cluster file with every default filled in and every name derived. */
export interface Site {
  readonly name: string;
  readonly description: string;
  /** What the nodes are that are not existing hosts. */
  readonly machines: "vm" | "container";
  /** Whether machines reach networks outside. */
  readonly internet: boolean;
  readonly hostBudget: HostBudget | undefined;
  readonly hpc: HpcCluster | undefined;
  readonly cloud: CloudCluster | undefined;
  /** `hpc` and `cloud`, as far as there are any, in this order. */
  readonly clusters: readonly Cluster[];
  readonly workshop: Workshop | undefined;
}

/** Where people build and train on the host itself: the file's section by its own keys, in camel case. */
export type Workshop = Omit<CamelCaseKeys<WorkshopConfig, true>, "devEnvironments"> & {
  readonly devEnvironments: readonly DevEnvironmentSite[];
};

/** One project's development containers; `root` is absolute, without a slash at its end. */
export type DevEnvironmentSite = CamelCaseKeys<WorkshopConfig["dev_environments"][number]> & {
  readonly root: string;
};

/** What the host has for all virtual nodes together; undefined where nothing was said. */
export interface HostBudget {
  readonly cpus: number | undefined;
  readonly memoryGib: number | undefined;
  readonly diskGib: number | undefined;
}

export type Cluster = HpcCluster | CloudCluster;

interface ClusterBase {
  readonly name: string;
  /** Undefined when every node is an existing host. */
  readonly network: Network | undefined;
  /** The cluster's DNS domain, `<name>.local`. */
  readonly domain: string;
  /** The controller or control plane first. */
  readonly nodes: readonly Node[];
  readonly acceleration: Acceleration;
  /** Where nodes start from that name no image of their own. */
  readonly image: Image | undefined;
}

/** A SLURM cluster. */
export interface HpcCluster extends ClusterBase {
  readonly kind: "hpc";
  readonly slurm: Slurm;
  /** NVIDIA's driver on nodes that have its GPUs; undefined: as role `nvidia` has it by default, in no image. */
  readonly driver: NvidiaDriver | undefined;
  readonly storage: Storage;
}

/** Which driver of NVIDIA's, and where it comes from. */
export interface NvidiaDriver {
  readonly source: "distribution" | "nvidia" | "none";
  /** Ubuntu's branch, `580-server`. */
  readonly branch: string | undefined;
  /** Of its packages as apt knows it; undefined: the newest. */
  readonly version: string | undefined;
  readonly modules: "open" | "proprietary";
  readonly repository: { readonly uri: string; readonly key: string } | undefined;
  /** Whether images of nodes with GPUs are built with it. */
  readonly bake: boolean;
}

/** A Kubernetes cluster. */
export interface CloudCluster extends ClusterBase {
  readonly kind: "cloud";
  readonly kubernetes: Kubernetes;
}

/** The cluster's own virtual network; addresses are dotted. */
export interface Network {
  /** `<cluster>-network`. */
  readonly name: string;
  readonly bridge: string;
  /** `10.0.0.0/24` */
  readonly subnet: string;
  readonly gateway: string;
  readonly dhcpStart: string;
  readonly dhcpEnd: string;
  /** Where the network's DNS server forwards to; empty: to the host's resolvers. */
  readonly dnsServers: readonly string[];
  readonly dnsMode: "isolated" | "shared_dns" | "routed" | "service_discovery";
  /** Address of the service discovery's DNS. */
  readonly serviceDiscovery: { readonly type: string; readonly address: string } | undefined;
  readonly domain: string;
}

export type Node = VirtualNode | ExistingNode;

interface NodeBase {
  /** Unique in the site and a hostname: `<cluster>-compute-01`. */
  readonly name: string;
  /** The name inside its cluster: `compute-01`. */
  readonly shortName: string;
  readonly role: "controller" | "compute" | "control-plane" | "worker";
  /** What the cluster reaches it by, given or chosen; undefined: a host that only its name is known of. */
  readonly address: string | undefined;
  /** As the file asks for them. */
  readonly gpus: readonly Gpu[];
  /** The same, each by itself, with the places of its partitions. */
  readonly gpuPlan: GpuPlan;
}

/** A node that is made here. */
export interface VirtualNode extends NodeBase {
  readonly kind: "virtual";
  readonly cpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly mac: string;
  /** False: defined, but not started. */
  readonly autoStart: boolean;
  /** Devices of the host that it gets whole, each once. */
  readonly passthrough: readonly PassthroughDevice[];
  readonly mounts: readonly Mount[];
  /** Its own image, or the cluster's. */
  readonly image: Image;
}

/** A host that exists and is reached by SSH; sizes are what the scheduler may use, undefined: all there is. */
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
  /** Undefined: what the SSH agent or client has. */
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

/** A folder of the host in a node, with the owners and modes that its files have on the host. */
export interface Mount {
  readonly tag: string;
  readonly hostPath: string;
  readonly mountPoint: string;
  /** Mount options, `rw,relatime`. */
  readonly options: string;
}

/** A GPU for the scheduler, or several that are alike. */
export interface Gpu {
  /** Undefined: whatever is at the address. */
  readonly model: string | undefined;
  readonly pciAddress: string | undefined;
  /** True: there is no device, only the scheduler believes in it. */
  readonly pretended: boolean;
  readonly count: number;
  /** MIG profiles, one for each partition; empty: not partitioned. */
  readonly migProfiles: readonly string[];
  /** How many jobs may share one of them at a time, by time slices; undefined: one. */
  readonly timeSlices: number | undefined;
  /** A slice of a GPU that the host keeps; undefined: the node has the device. */
  readonly vgpu: { readonly backend: "mdev" | "vendor-vfio"; readonly type: number } | undefined;
}

export type Image =
  | {
      readonly kind: "file";
      /** Absolute; there may be no such file yet. */
      readonly path: string;
      /** As in the file. */
      readonly given: string;
    }
  | {
      readonly kind: "built";
      readonly distribution: "debian12" | "ubuntu2404";
      /** Undefined: the distribution's own. */
      readonly mirror: string | undefined;
    }
  | {
      readonly kind: "packer";
      readonly distribution: "debian12" | "ubuntu2404";
      /** What it begins with: the distribution's pinned cloud image, an image of kind `built`, or a download. */
      readonly source: "cloud" | "mmdebstrap" | { readonly url: string; readonly checksum: string };
      /** As for `built`, where the source is one. */
      readonly mirror: string | undefined;
    };

/** How VMs use the host's hardware. */
export interface Acceleration {
  readonly mode: "auto" | "kvm" | "tcg";
  readonly nested: boolean;
  readonly cpuModel: "host-passthrough" | "host-model" | "qemu64";
  readonly cpuFeatures: readonly { readonly name: string; readonly policy: "require" | "disable" }[];
  /** Cores follow: a VM's CPUs divided by sockets x threads. Undefined: one socket, one thread a core. */
  readonly cpuTopology: { readonly sockets: number; readonly threads: number } | undefined;
  /** NUMA nodes of a VM. Undefined: one. */
  readonly numaNodes: number | undefined;
  readonly cpuPinning: boolean;
  /** Undefined: ordinary memory. */
  readonly hugepages: "2M" | "1G" | undefined;
  /** True: memory that other processes can share, as virtiofs needs. */
  readonly sharedMemory: boolean;
}

export interface Slurm {
  readonly partitions: readonly Partition[];
  /** Longest run time of a job, as SLURM writes it. */
  readonly maxJobTime: string;
  /** True: slurmdbd keeps job records. */
  readonly accounting: boolean;
  /** Further slurm.conf parameters. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export interface Partition {
  readonly name: string;
  /** Full names of compute nodes; empty where the cluster has none. */
  readonly nodes: readonly string[];
  /** True for exactly one partition of a cluster. */
  readonly isDefault: boolean;
  readonly maxTime: string;
  readonly state: "UP" | "DOWN" | "DRAIN" | "INACTIVE";
}

/** Shared storage; undefined is switched off. Nodes are full names. */
export interface Storage {
  readonly nfs: Nfs | undefined;
  readonly beegfs: Beegfs | undefined;
}

export interface Nfs {
  readonly server: string;
  /** The folder on the server, and where the others mount it. */
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
  /** Undefined: what versions/tools.ts has. */
  readonly version: string | undefined;
  /** Folder of metadata and storage nodes, absolute. */
  readonly dataDirectory: string;
  /** Where its packages come from; paths are of this host. */
  readonly packages:
    | { readonly from: "makers" }
    | { readonly from: "repository"; readonly repository: string; readonly key: string }
    | { readonly from: "directory"; readonly directory: string };
  /** Files of this host, PEM. Undefined: the management node signs its own. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  /** File of this host, PEM. */
  readonly license: string | undefined;
}

export interface Kubernetes {
  readonly cni: string;
  readonly ingress: string;
  readonly storageClass: string;
}
