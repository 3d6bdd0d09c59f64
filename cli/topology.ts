import { Option, type Command } from "commander";
import {
  deriveSite,
  formatProblem,
  loadClusterFile,
  type Cluster,
  type Node,
  type Site,
} from "../config/index.ts";
import type { PlannedGpu } from "../gpu/index.ts";
import { DEFAULT_CLUSTER_FILE, writeResult } from "./destination.ts";
import { withDerivedMark } from "./derived.ts";
import { draw, PICTURE_FORMATS, type PictureFormat } from "./pictures/draw.ts";
import type { Arrow, Box, Picture } from "./pictures/model.ts";

interface TopologyOptions {
  readonly config?: string;
  readonly format: PictureFormat;
  readonly output?: string;
}

/** `topology [FILE]`: draws the networks, machines, GPUs and partitions of a cluster file; changes nothing. */
export function addTopology(program: Command): void {
  program
    .command("topology")
    .description("draw the networks, machines, GPUs and partitions of a cluster file")
    .argument("[file]", `the cluster file (default: "${DEFAULT_CLUSTER_FILE}")`)
    .option("-c, --config <file>", "the same; an option of the old ai-how")
    .addOption(
      new Option("-f, --format <format>", "how to draw it").choices(PICTURE_FORMATS).default("mermaid"),
    )
    .option("-o, --output <file>", "write there instead of to standard output")
    .action(async (file: string | undefined, options: TopologyOptions) => {
      const { config, warnings } = loadClusterFile(file ?? options.config ?? DEFAULT_CLUSTER_FILE);
      for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
      await writeResult(await draw(topology(deriveSite(config)), options.format), options.output);
    });
}

const CLUSTERS = { hpc: "SLURM cluster", cloud: "Kubernetes cluster" } as const;

function topology({ clusters }: Site): Picture {
  const parts = clusters.map(clusterPart);
  return { boxes: parts.flatMap(({ boxes }) => boxes), arrows: parts.flatMap(({ arrows }) => arrows) };
}

function clusterPart(cluster: Cluster): Picture {
  const { name, kind, network, nodes } = cluster;
  const boxes: Box[] = [{ id: name, label: [name, CLUSTERS[kind]] }];
  const arrows: Arrow[] = [];
  if (network !== undefined) {
    boxes.push({ id: network.name, label: [network.name, network.subnet, network.bridge], parent: name });
  }
  for (const node of nodes) {
    boxes.push({ id: node.name, label: nodeLabel(node), parent: name });
    if (network !== undefined && node.kind === "virtual") arrows.push({ from: network.name, to: node.name });
    for (const gpu of node.gpuPlan) {
      const id = `${node.name} GPU ${gpu.index}`;
      boxes.push({ id, label: gpuLabel(gpu), parent: name });
      arrows.push({ from: node.name, to: id });
    }
  }
  return { boxes, arrows };
}

function nodeLabel(node: Node): string[] {
  const { shortName, address, cpus, memoryMib } = node;
  const sizes = [
    ...(cpus === undefined ? [] : [`${cpus} CPUs`]),
    ...(memoryMib === undefined ? [] : [`${Number((memoryMib / 1024).toFixed(2))} GiB`]),
  ];
  return [
    shortName,
    node.kind === "virtual" ? (address ?? "") : `${address ?? node.ssh.host}, an existing host`,
    ...(sizes.length > 0 ? [sizes.join(", ")] : []),
  ];
}

function gpuLabel(gpu: PlannedGpu): string[] {
  const { index, model, known, pciAddress, pretended, vgpu, timeSlices, placements } = gpu;
  const partitions = [...Map.groupBy(placements, ({ profile }) => profile.name)].map(
    ([name, same]) => `${same.length} x ${name}`,
  );
  const whole = vgpu === undefined ? "whole" : `vGPU type ${vgpu.type}`;
  return [
    `GPU ${index}: ${known?.name ?? model ?? "any"}`,
    ...(pretended ? ["pretended"] : pciAddress === undefined ? [] : [pciAddress]),
    partitions.length > 0 ? withDerivedMark(gpu, partitions.join(", ")) : whole,
    ...(timeSlices > 1 ? [`shared by ${timeSlices} jobs`] : []),
  ];
}
