import { resolve } from "node:path";
import { z } from "zod";
import { planGpus } from "../gpu/index.ts";
import { networkDefaults, parseSubnet } from "./ipv4.ts";
import { leaseAddresses } from "./leases.ts";
import { fullName, hasGpu, macAddress, shortNames, type NodeNameParts } from "./naming.ts";
import type { CloudClusterConfig, HpcClusterConfig } from "./schema/cluster.ts";
import type { DriverConfig } from "./schema/driver.ts";
import type { ClusterFile } from "./schema/cluster-file.ts";
import type { Hardware } from "./schema/hardware.ts";
import type { Image as ImageConfig } from "./schema/image.ts";
import type { Network as NetworkConfig } from "./schema/network.ts";
import type { HeadNode, MemberNode, NodeGroup, Nodes } from "./schema/node.ts";
import type { Gpu as GpuConfig, PciePassthrough, VirtioFsMount } from "./schema/devices.ts";
import { slurmOf, storageOf, workshopOf } from "./derive-services.ts";
import type {
  Acceleration,
  CloudCluster,
  Gpu,
  HpcCluster,
  Image,
  Mount,
  Network,
  NvidiaDriver,
  Node,
  PassthroughDevice,
  Site,
  VirtualNode,
} from "./site.ts";
import { memoryMib } from "./sizes.ts";

type NodeConfig = HeadNode | MemberNode | NodeGroup;
type VirtualNodeConfig = Exclude<NodeConfig, { ssh: object }>;

/** Options of `deriveSite`. */
export interface DeriveOptions {
  /** Absolute path of the folder to which image paths are relative. Default: the working directory. */
  readonly folder?: string;
}

/** Derives the site of a valid cluster file: fills in defaults, and derives names and addresses. */
export function deriveSite(file: ClusterFile, { folder = process.cwd() }: DeriveOptions = {}): Site {
  const hpc = file.clusters.hpc && hpcCluster(file.clusters.hpc, folder);
  const cloud = file.clusters.cloud && cloudCluster(file.clusters.cloud, folder);
  return {
    name: file.metadata.name ?? "cluster",
    description: file.metadata.description,
    machines: file.machines,
    internet: file.internet,
    hostBudget: file.host && {
      cpus: file.host.cpu_cores,
      memoryGib: file.host.memory_gb,
      diskGib: file.host.disk_gb,
    },
    hpc,
    cloud,
    clusters: [hpc, cloud].filter((cluster) => cluster !== undefined),
    workshop: file.workshop && workshopOf(file.workshop),
  };
}

function hpcCluster(config: HpcClusterConfig, folder: string): HpcCluster {
  const hasMounts = config.storage?.virtio_fs?.enabled !== false;
  const cluster = common(config, folder);
  const derived = nodesOf(
    { ...config, folder },
    ["controller", config.controller],
    ["compute", config.compute_nodes],
    hasMounts,
  );
  const nodes = withAddresses(cluster.network, derived);
  return {
    kind: "hpc",
    ...cluster,
    nodes,
    slurm: slurmOf(config, nodes),
    driver: config.driver && driverOf(config.driver),
    storage: storageOf(config, nodes),
  };
}

function driverOf({ source, branch, version, modules, repository, bake }: DriverConfig): NvidiaDriver {
  return { source, branch, version, modules, repository, bake };
}

function cloudCluster(config: CloudClusterConfig, folder: string): CloudCluster {
  const { cni, ingress, storage_class: storageClass } = config.kubernetes_config;
  const cluster = common(config, folder);
  const derived = nodesOf(
    { ...config, folder },
    ["control-plane", config.control_plane],
    ["worker", config.worker_nodes],
    true,
  );
  return {
    kind: "cloud",
    ...cluster,
    nodes: withAddresses(cluster.network, derived),
    kubernetes: { cni, ingress, storageClass },
  };
}

/** Adds the addresses of nodes that the file leaves to DHCP. */
function withAddresses(network: Network | undefined, nodes: readonly Node[]): readonly Node[] {
  if (network === undefined) return nodes;
  const addresses = leaseAddresses(
    network,
    nodes.filter((node) => node.kind === "virtual"),
  );
  return nodes.map((node) => ({ ...node, address: addresses.get(node.name) ?? node.address }));
}

function common(config: HpcClusterConfig | CloudClusterConfig, folder: string) {
  const domain = `${config.name}.local`;
  return {
    name: config.name,
    domain,
    network: config.network && networkOf(config.name, config.network, domain),
    acceleration: accelerationOf(config.hardware?.acceleration),
    image: imageOf(config, folder),
  };
}

function networkOf(cluster: string, config: NetworkConfig, domain: string): Network {
  const defaults = networkDefaults(parseSubnet(config.subnet));
  return {
    name: `${cluster}-network`,
    bridge: config.bridge,
    subnet: config.subnet,
    gateway: config.gateway_ip ?? defaults.gateway,
    dhcpStart: config.dhcp_start ?? defaults.dhcpStart,
    dhcpEnd: config.dhcp_end ?? defaults.dhcpEnd,
    dnsServers: config.dns_servers,
    dnsMode: config.dns_mode,
    serviceDiscovery: config.service_discovery,
    domain,
  };
}

function imageOf(
  config: { base_image_path?: string | undefined; image?: ImageConfig | undefined },
  folder: string,
): Image | undefined {
  if (config.image !== undefined) {
    const { builder, distribution, source, mirror } = config.image;
    return builder === "packer"
      ? { kind: "packer", distribution, source: source ?? "cloud", mirror }
      : { kind: "built", distribution, mirror };
  }
  const given = config.base_image_path;
  return given === undefined ? undefined : { kind: "file", path: resolve(folder, given), given };
}

function accelerationOf(config: Hardware["acceleration"]): Acceleration {
  const options = typeof config === "object" ? config : undefined;
  const { performance } = options ?? {};
  const hugepages = performance?.enable_hugepages === true || performance?.memory_backing === "hugepages";
  const cpuModel = options?.cpu_model ?? "host-model";
  const mode = typeof config === "string" ? config : options?.mode;
  return {
    mode: mode ?? (options?.enable_kvm === false ? "tcg" : "auto"),
    nested: options?.enable_nested ?? false,
    cpuModel: cpuModel === "host" ? "host-passthrough" : cpuModel,
    cpuFeatures: (options?.cpu_features ?? []).map((feature) => ({
      name: feature.replace(/^[+-]/, ""),
      policy: feature.startsWith("-") ? "disable" : "require",
    })),
    cpuTopology: options?.cpu_topology && {
      sockets: options.cpu_topology.sockets,
      threads: options.cpu_topology.threads,
    },
    numaNodes: options?.numa_topology?.nodes,
    cpuPinning: performance?.cpu_pinning ?? false,
    hugepages: hugepages ? performance.hugepage_size : undefined,
    sharedMemory: performance?.memory_backing === "memfd",
  };
}

/** A cluster of the file, and the folder to which its image paths are relative. */
type LocatedCluster = (HpcClusterConfig | CloudClusterConfig) & { readonly folder: string };

function nodesOf(
  cluster: LocatedCluster,
  [headRole, head]: readonly [Node["role"], HeadNode],
  [memberRole, members]: readonly [Node["role"], Nodes],
  hasMounts: boolean,
): Node[] {
  const all: (NodeNameParts & { readonly config: NodeConfig })[] = [
    { role: headRole, hasGpu: hasGpu(head), config: head },
    ...(Array.isArray(members) ? members : Array.from({ length: members.count }, () => members)).map(
      (config) => ({
        role: memberRole,
        hasGpu: hasGpu(config),
        config,
      }),
    ),
  ];
  const names = shortNames(all);
  return all.map(({ role, config }, i) => {
    const shortName = names[i] ?? "";
    const name = fullName(cluster.name, shortName);
    const gpus = config.gpus.map(gpuOf);
    const identity = { name, shortName, role, gpus, gpuPlan: planGpus(gpus).plan };
    const address = fixedAddress(config);
    if (config.ssh === undefined) {
      const node = { ...identity, address, ...virtualNode(cluster, name, config) };
      return hasMounts ? node : { ...node, mounts: [] };
    }
    const { host, port, user, host_key: hostKey, private_key_path: privateKeyPath } = config.ssh;
    return {
      ...identity,
      kind: "existing",
      address: address ?? z.ipv4().safeParse(host).data,
      cpus: config.cpu_cores,
      memoryMib: memoryMib(config),
      diskGib: config.disk_gb,
      ssh: { host, port, user, hostKey, privateKeyPath },
    };
  });
}

function fixedAddress(config: NodeConfig): string | undefined {
  const address = "ip" in config ? config.ip : "ip_address" in config ? config.ip_address : undefined;
  return address === "DHCP" ? undefined : address;
}

function virtualNode(
  cluster: LocatedCluster,
  name: string,
  config: VirtualNodeConfig,
): Pick<
  VirtualNode,
  "kind" | "cpus" | "memoryMib" | "diskGib" | "mac" | "autoStart" | "passthrough" | "mounts" | "image"
> {
  return {
    kind: "virtual",
    cpus: config.cpu_cores,
    memoryMib: required(memoryMib(config), `memory of ${name}`),
    diskGib: config.disk_gb,
    mac: ("mac" in config ? config.mac : undefined)?.toLowerCase() ?? macAddress(name),
    autoStart: config.auto_start,
    passthrough: passthroughOf(config.pcie_passthrough, config.gpus),
    mounts: config.virtio_fs_mounts.map(mountOf),
    image: required(imageOf(config, cluster.folder) ?? imageOf(cluster, cluster.folder), `image of ${name}`),
  };
}

/** A value that `config/checks` requires. Throws if the file was not checked. */
function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is missing: the cluster file was not checked`);
  return value;
}

function passthroughOf(
  passthrough: PciePassthrough | undefined,
  gpus: readonly GpuConfig[],
): PassthroughDevice[] {
  const listed = (passthrough?.enabled === true ? passthrough.devices : []).map((device) => ({
    pciAddress: device.pci_address.toLowerCase(),
    type: device.device_type,
    vendorId: device.vendor_id,
    deviceId: device.device_id,
    iommuGroup: device.iommu_group,
  }));
  const more = gpus.flatMap(({ pci_address, vgpu }) => {
    const pciAddress = pci_address?.toLowerCase();
    if (
      pciAddress === undefined ||
      vgpu !== undefined ||
      listed.some((device) => device.pciAddress === pciAddress)
    )
      return [];
    return [
      { pciAddress, type: "gpu" as const, vendorId: undefined, deviceId: undefined, iommuGroup: undefined },
    ];
  });
  return [...listed, ...more];
}

function gpuOf(config: GpuConfig): Gpu {
  return {
    model: config.model,
    pciAddress: config.pci_address?.toLowerCase(),
    pretended: config.pretend,
    count: config.count,
    migProfiles: config.mig?.profiles ?? [],
    timeSlices: config.time_slices,
    vgpu: config.vgpu,
  };
}

function mountOf(config: VirtioFsMount): Mount {
  const { tag, host_path: hostPath, mount_point: mountPoint, options } = config;
  return { tag, hostPath, mountPoint, options };
}
