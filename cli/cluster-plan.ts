import { z } from "zod";
import { allocationsOf } from "../config/allocations.ts";
import type { Cluster, Node, Site } from "../config/index.ts";
import { creationOrder, gresConf, gresParameter, kubernetesResources } from "../gpu/index.ts";
import { allocateCpus } from "../providers/host/cpu-numbers.ts";

const names = z.array(z.string());

const gpuSchema = z.object({
  index: z.int().describe("Number on its machine, from 0"),
  model: z
    .string()
    .nullable()
    .describe("The catalogue's name or the file's; null: whatever is at the address"),
  pci_address: z.string().nullable().describe("On the host; null: no device of the host"),
  pretended: z.boolean().describe("True: only SLURM counts it"),
  vgpu: z
    .object({ backend: z.string(), type: z.int() })
    .nullable()
    .describe("Null: the machine has the device"),
  time_slices: z.int().nullable().describe("How many jobs share it; null: one at a time"),
  placements: z.array(z.unknown()).describe("MIG partitions in the order in which they are made"),
  minimum_driver: z.string().nullable().describe("Oldest driver that can cut it"),
  derived: z
    .boolean()
    .nullable()
    .describe("True: where its partitions begin was not read from such a GPU; null: not in the catalogue"),
});

const machineSchema = z.object({
  name: z.string().describe("Hostname"),
  type: z.enum(["controller", "compute", "control-plane", "worker"]),
  cpu_cores: z.number().nullable().describe("Null: all that an existing host has"),
  memory_gb: z.number().nullable().describe("GiB; null: all that an existing host has"),
  disk_gb: z.number().nullable().describe("GiB; null: all that an existing host has"),
  ip_address: z.string().nullable().describe("Given or chosen; null: a host that only its name is known of"),
  base_image: z.string().nullable().describe("As in the file; null for an existing host"),
  gpu_assigned: z
    .string()
    .nullable()
    .describe("The first GPU that is passed through, `address (vendor:device)`"),
  pcie_passthrough: z.array(z.object({ pci_address: z.string(), device_type: z.string() })),
  gpus: z.array(gpuSchema),
  gres: z.string().nullable().describe("SLURM's Gres of the node"),
  gres_conf: names.describe("Its lines of gres.conf"),
  kubernetes_resources: z.record(z.string(), z.int()).describe("What it offers as a Kubernetes node"),
});

const clusterSchema = z.object({
  name: z.string(),
  type: z.enum(["hpc", "cloud"]),
  network: z
    .object({ subnet: z.string(), bridge: z.string() })
    .optional()
    .describe("Absent: existing hosts only"),
  base_image: z.string().nullable(),
  notes: names.describe("What the file asks for and nothing does yet"),
  vms: z.array(machineSchema),
});

/** What `ai-how plan --format json` prints: the old `plan clusters -f json`, with more keys. */
export const clusterPlanSchema = z.object({
  metadata: z.object({ name: z.string(), description: z.string() }),
  clusters: z.record(z.string(), clusterSchema).describe("By kind: hpc, cloud"),
  allocations: z
    .object({
      subnets: z.array(z.object({ subnet: z.string(), bridge: z.string(), cluster: z.string() })),
      addresses: z.array(z.object({ address: z.string(), machine: z.string() })),
      cpu_pins: z
        .array(z.object({ machine: z.string(), cpus: z.array(z.int()) }))
        .describe("Numbers of the host's CPUs on a stack that is new; a machine that is there keeps its own"),
      devices: z
        .array(z.object({ pci_address: z.string(), machines: names }))
        .describe(
          "PCI devices of the host, each with all machines that claim it: one of them can run at a time",
        ),
    })
    .describe("What the site takes of its host and its networks"),
});

export type ClusterPlan = z.input<typeof clusterPlanSchema>;

/** The plan of a site as one document. */
export function clusterPlan(site: Site): ClusterPlan {
  return {
    metadata: { name: site.name, description: site.description },
    clusters: Object.fromEntries(site.clusters.map((cluster) => [cluster.kind, clusterDocument(cluster)])),
    allocations: allocations(site),
  };
}

function allocations(site: Site): ClusterPlan["allocations"] {
  const { subnets, addresses, cpus, devices } = allocationsOf(site);
  return {
    subnets: [...subnets],
    addresses: [...addresses],
    cpu_pins: Object.entries(allocateCpus(cpus, {})).map(([machine, numbers]) => ({
      machine,
      cpus: [...numbers],
    })),
    devices: devices.map(({ pciAddress, machines }) => ({
      pci_address: pciAddress,
      machines: [...machines],
    })),
  };
}

/** What a cluster's part of the file asks for and nothing does yet. */
export function notesOf(cluster: Cluster): string[] {
  if (cluster.kind !== "cloud") return [];
  const { cni, ingress, storageClass } = cluster.kubernetes;
  return [
    `kubernetes_config (${cni}, ${ingress}, ${storageClass}) is not read by anything yet: the VMs are made, Kubernetes is not installed`,
  ];
}

function clusterDocument(cluster: Cluster): ClusterPlan["clusters"][string] {
  const { network } = cluster;
  return {
    name: cluster.name,
    type: cluster.kind,
    ...(network !== undefined && { network: { subnet: network.subnet, bridge: network.bridge } }),
    base_image: imageName(cluster.image),
    notes: notesOf(cluster),
    vms: cluster.nodes.map(nodeDocument),
  };
}

function nodeDocument(node: Node): z.input<typeof machineSchema> {
  const passthrough = node.kind === "virtual" ? node.passthrough : [];
  const gpu = passthrough.find(({ type }) => type === "gpu");
  return {
    name: node.name,
    type: node.role,
    cpu_cores: node.cpus ?? null,
    memory_gb: node.memoryMib === undefined ? null : node.memoryMib / 1024,
    disk_gb: node.diskGib ?? null,
    ip_address: node.address ?? null,
    base_image: node.kind === "virtual" ? imageName(node.image) : null,
    gpu_assigned:
      gpu === undefined ? null : `${gpu.pciAddress} (${gpu.vendorId ?? "?"}:${gpu.deviceId ?? "?"})`,
    pcie_passthrough: passthrough.map(({ pciAddress, type }) => ({
      pci_address: pciAddress,
      device_type: type,
    })),
    gpus: node.gpuPlan.map((each) => ({
      index: each.index,
      model: each.known?.key ?? each.model ?? null,
      pci_address: each.pciAddress ?? null,
      pretended: each.pretended,
      vgpu: each.vgpu ?? null,
      time_slices: each.timeSlices > 1 ? each.timeSlices : null,
      placements: [...creationOrder(each)],
      minimum_driver: each.known?.minimumDriver ?? null,
      derived: each.known?.derived ?? null,
    })),
    gres: gresParameter(node.gpuPlan) ?? null,
    gres_conf: [...gresConf(node.name, node.gpuPlan)],
    kubernetes_resources: { ...kubernetesResources(node.gpuPlan) },
  };
}

function imageName(image: Cluster["image"]): string | null {
  if (image === undefined) return null;
  if (image.kind === "file") return image.given;
  if (image.kind === "built") return `built: ${image.distribution}`;
  const source = typeof image.source === "string" ? image.source : image.source.url;
  return `built by packer: ${image.distribution} from ${source}`;
}
