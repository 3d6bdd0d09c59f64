import { Option, type Command } from "commander";
import { markdownTable } from "markdown-table";
import {
  deriveSite,
  formatProblem,
  loadClusterFile,
  type Cluster,
  type Node,
  type Site,
} from "../config/index.ts";
import { UserError } from "../config/errors.ts";
import {
  creationOrder,
  gresConf,
  gresParameter,
  kubernetesResources,
  planGpus,
  type Vgpu,
} from "../gpu/index.ts";
import { DEFAULT_CLUSTER_FILE, writeResult } from "./destination.ts";
import { columns } from "./table.ts";

const FORMATS = ["text", "json", "markdown"] as const;
const HEADINGS = ["machine", "role", "address", "CPUs", "memory", "disk", "GPUs"];

interface PlanOptions {
  readonly format: (typeof FORMATS)[number];
  readonly outputFile?: string;
}

/** `plan [FILE]`: the machines, addresses and GPU partitions that a cluster file stands for; touches nothing. */
export function addPlan(program: Command): void {
  program
    .command("plan")
    .description(
      "the machines, addresses and GPU partitions of a cluster file; nothing on the host is looked at",
    )
    .argument("[file...]", "the cluster file; `plan clusters FILE` of the old ai-how is the same", [
      DEFAULT_CLUSTER_FILE,
    ])
    .addOption(new Option("-f, --format <format>", "how to print it").choices(FORMATS).default("text"))
    .option("-o, --output-file <file>", "write there instead of to standard output")
    .action(async (words: string[], options: PlanOptions) => {
      const [file = DEFAULT_CLUSTER_FILE, ...more] = words[0] === "clusters" ? words.slice(1) : words;
      if (more.length > 0)
        throw new UserError(`plan takes one cluster file, not ${words.join(" ")}`, { exitCode: 2 });
      const { config, warnings } = loadClusterFile(file);
      for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
      await writeResult(printed(deriveSite(config), options.format), options.outputFile);
    });
}

function printed(site: Site, format: PlanOptions["format"]): string {
  if (format === "json") return `${JSON.stringify(document(site), undefined, 2)}\n`;
  return site.clusters
    .map((cluster) => {
      const rows = [HEADINGS, ...cluster.nodes.map(cells)];
      const title = `${cluster.name} (${cluster.kind}), ${cluster.network?.subnet ?? "existing hosts"}`;
      const partitions = cluster.nodes.flatMap(partitionCells);
      return format === "markdown"
        ? [
            `## ${title}`,
            markdownTable(rows),
            ...(partitions.length > 0 ? [markdownTable(partitionRows(partitions))] : []),
          ]
            .map((part) => `${part}\n`)
            .join("\n")
        : `${title}\n${columns(rows)}${partitions.length > 0 ? `\n${columns(partitionRows(partitions))}` : ""}`;
    })
    .join("\n");
}

function cells(node: Node): string[] {
  return [
    node.name,
    node.role,
    node.address ?? node.ssh?.host ?? "",
    size(node.cpus, ""),
    size(node.memoryMib === undefined ? undefined : node.memoryMib / 1024, " GiB"),
    size(node.diskGib, " GiB"),
    gresParameter(planGpus(node.gpus).plan) ?? "",
  ];
}

function size(value: number | undefined, unit: string): string {
  return value === undefined ? "all" : `${Number(value.toFixed(2))}${unit}`;
}

function partitionRows(partitions: readonly string[][]): string[][] {
  return [["machine", "GPU", "model", "PCI address", "partitions, profile@slice", "driver"], ...partitions];
}

function partitionCells({ name, gpus }: Node): string[][] {
  return planGpus(gpus).plan.map(
    ({ index, model, known, pciAddress, pretended, vgpu, timeSlices, placements }) => [
      name,
      String(index),
      known?.name ?? model ?? "",
      pretended ? "pretended" : (pciAddress ?? ""),
      placements.length === 0
        ? unpartitioned(vgpu, timeSlices)
        : placements.map(({ profile, start }) => `${profile.name}@${start}`).join(" "),
      known === undefined || placements.length === 0 ? "" : `${known.minimumDriver} or newer`,
    ],
  );
}

function unpartitioned(vgpu: Vgpu | undefined, timeSlices: number): string {
  const what = vgpu === undefined ? "whole" : `vGPU type ${vgpu.type} (${vgpu.backend})`;
  return timeSlices > 1 ? `${what}, shared by ${timeSlices} jobs` : what;
}

/** The format of the old `plan clusters -f json`, with `gpus` and `gres` added. */
function document(site: Site): unknown {
  return {
    metadata: { name: site.name, description: site.description },
    clusters: Object.fromEntries(site.clusters.map((cluster) => [cluster.kind, clusterDocument(cluster)])),
  };
}

function clusterDocument(cluster: Cluster): unknown {
  return {
    name: cluster.name,
    type: cluster.kind,
    network: cluster.network && { subnet: cluster.network.subnet, bridge: cluster.network.bridge },
    base_image: imageName(cluster.image),
    vms: cluster.nodes.map((node) => nodeDocument(node)),
  };
}

function nodeDocument(node: Node): unknown {
  const { plan } = planGpus(node.gpus);
  const passthrough = node.ssh === undefined ? node.passthrough : [];
  const gpu = passthrough.find(({ type }) => type === "gpu");
  return {
    name: node.name,
    type: node.role,
    cpu_cores: node.cpus ?? null,
    memory_gb: node.memoryMib === undefined ? null : node.memoryMib / 1024,
    disk_gb: node.diskGib ?? null,
    ip_address: node.address ?? null,
    base_image: node.ssh === undefined ? imageName(node.image) : null,
    gpu_assigned:
      gpu === undefined ? null : `${gpu.pciAddress} (${gpu.vendorId ?? "?"}:${gpu.deviceId ?? "?"})`,
    pcie_passthrough: passthrough.map(({ pciAddress, type }) => ({
      pci_address: pciAddress,
      device_type: type,
    })),
    gpus: plan.map((each) => ({
      index: each.index,
      model: each.known?.key ?? each.model ?? null,
      pci_address: each.pciAddress ?? null,
      pretended: each.pretended,
      vgpu: each.vgpu ?? null,
      time_slices: each.timeSlices > 1 ? each.timeSlices : null,
      placements: creationOrder(each),
      minimum_driver: each.known?.minimumDriver ?? null,
      derived: each.known?.derived ?? null,
    })),
    gres: gresParameter(plan) ?? null,
    gres_conf: gresConf(node.name, plan),
    kubernetes_resources: kubernetesResources(plan),
  };
}

function imageName(image: Cluster["image"]): string | null {
  if (image === undefined) return null;
  if (image.kind === "file") return image.given;
  if (image.kind === "built") return `built: ${image.distribution}`;
  const source = typeof image.source === "string" ? image.source : image.source.url;
  return `built by packer: ${image.distribution} from ${source}`;
}
