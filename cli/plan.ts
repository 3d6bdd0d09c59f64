import { Option, type Command } from "commander";
import { markdownTable } from "markdown-table";
import { deriveSite, formatProblem, loadClusterFile, type Node, type Site } from "../config/index.ts";
import { UserError } from "../config/errors.ts";
import { gresParameter, type Vgpu } from "../gpu/index.ts";
import { clusterPlan, notesOf } from "./cluster-plan.ts";
import { DERIVED_MEANING, isDerived, partitionsOf } from "./derived.ts";
import { DEFAULT_CLUSTER_FILE, writeResult } from "./destination.ts";
import { columns } from "./table.ts";

const FORMATS = ["text", "json", "markdown"] as const;
const HEADINGS = ["machine", "role", "address", "CPUs", "memory", "disk", "GPUs"];

interface PlanOptions {
  readonly format: (typeof FORMATS)[number];
  readonly outputFile?: string;
}

/** `plan [FILE]`: prints the machines, addresses and GPU partitions of a cluster file; changes nothing. */
export function addPlan(program: Command): void {
  program
    .command("plan")
    .description(
      "print the machines, addresses and GPU partitions of a cluster file, without looking at the host",
    )
    .argument("[file...]", "the cluster file; `plan clusters FILE` works as well", [DEFAULT_CLUSTER_FILE])
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
  if (format === "json") return `${JSON.stringify(clusterPlan(site), undefined, 2)}\n`;
  const isMarkdown = format === "markdown";
  const table = (rows: string[][]): string => (isMarkdown ? `${markdownTable(rows)}\n` : columns(rows));
  const heading = (text: string): string => (isMarkdown ? `## ${text}\n\n` : `${text}\n`);
  const clusters = site.clusters.map((cluster) => {
    const title = `${cluster.name} (${cluster.kind}), ${cluster.network?.subnet ?? "existing hosts"}`;
    const partitions = cluster.nodes.flatMap(partitionCells);
    return [
      `${heading(title)}${table([HEADINGS, ...cluster.nodes.map(cells)])}`,
      ...(partitions.length > 0 ? [table(partitionRows(partitions))] : []),
      ...(cluster.nodes.some(({ gpuPlan }) => gpuPlan.some(isDerived)) ? [`${DERIVED_MEANING}\n`] : []),
      ...notesOf(cluster).map((note) => `${note}\n`),
    ].join("\n");
  });
  return [...clusters, `${heading("allocations")}${table(allocationRows(site))}`].join("\n");
}

/** One row for each subnet, address, CPU range and PCI device that the site uses. */
function allocationRows(site: Site): string[][] {
  const { subnets, cpu_pins: pins, devices, addresses } = clusterPlan(site).allocations;
  return [
    ["what", "for"],
    ...subnets.map(({ subnet, bridge, cluster }) => [`subnet ${subnet}, bridge ${bridge}`, cluster]),
    ...addresses.map(({ address, machine }) => [`address ${address}`, machine]),
    ...pins.map(({ machine, cpus }) => [`host CPUs ${ranges(cpus)}, in a new stack`, machine]),
    ...devices.map(({ pci_address: address, machines }) => [
      `PCI device ${address}`,
      machines.length === 1 ? machines.join() : `${machines.join(" or ")}, one at a time`,
    ]),
  ];
}

/** Ascending numbers as ranges: `0-3,8`. */
function ranges(numbers: readonly number[]): string {
  const parts: { first: number; last: number }[] = [];
  for (const number of numbers) {
    const current = parts.at(-1);
    if (current?.last === number - 1) current.last = number;
    else parts.push({ first: number, last: number });
  }
  return parts.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

function cells(node: Node): string[] {
  return [
    node.name,
    node.role,
    node.address ?? (node.kind === "existing" ? node.ssh.host : ""),
    size(node.cpus, ""),
    size(node.memoryMib === undefined ? undefined : node.memoryMib / 1024, " GiB"),
    size(node.diskGib, " GiB"),
    gresParameter(node.gpuPlan) ?? "",
  ];
}

function size(value: number | undefined, unit: string): string {
  return value === undefined ? "all" : `${Number(value.toFixed(2))}${unit}`;
}

function partitionRows(partitions: readonly string[][]): string[][] {
  return [["machine", "GPU", "model", "PCI address", "partitions, profile@slice", "driver"], ...partitions];
}

function partitionCells({ name, gpuPlan }: Node): string[][] {
  return gpuPlan.map((gpu) => [
    name,
    String(gpu.index),
    gpu.known?.name ?? gpu.model ?? "",
    gpu.pretended ? "pretended" : (gpu.pciAddress ?? ""),
    gpu.placements.length === 0 ? unpartitioned(gpu.vgpu, gpu.timeSlices) : partitionsOf(gpu),
    gpu.known === undefined || gpu.placements.length === 0 ? "" : `${gpu.known.minimumDriver} or newer`,
  ]);
}

function unpartitioned(vgpu: Vgpu | undefined, timeSlices: number): string {
  const what = vgpu === undefined ? "whole" : `vGPU type ${vgpu.type} (${vgpu.backend})`;
  return timeSlices > 1 ? `${what}, shared by ${timeSlices} jobs` : what;
}
