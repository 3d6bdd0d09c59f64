import type { VirtualNode } from "../../config/site.ts";
import type { PlannedGpu } from "../../gpu/index.ts";
import { readReport, type DriverGpu, type DriverReport } from "../doctor/gpu-host.ts";
import type { Guest, VerifyContext } from "./context.ts";
import { succeeded } from "./step.ts";

/** A VM with real GPUs in the cluster file. */
export interface GpuNode {
  readonly node: VirtualNode;
  /** Its real GPUs, in the order in which the machine sees them. */
  readonly planned: readonly PlannedGpu[];
  /** Undefined: the machine does not run. */
  readonly guest: Guest | undefined;
}

export function gpuNodes({ site, guests }: VerifyContext): GpuNode[] {
  return site.clusters
    .flatMap(({ nodes }) => nodes.filter((node) => node.kind === "virtual"))
    .map((node) => ({
      node,
      planned: node.gpuPlan.filter(({ pretended }) => !pretended),
      guest: guests.find(({ name }) => name === node.name),
    }))
    .filter(({ planned }) => planned.length > 0);
}

/** The report of a machine's driver; undefined if the driver does not answer. */
export async function driverReport(guest: Guest): Promise<DriverReport | undefined> {
  const result = await guest.run("nvidia-smi", "-q", "-x");
  return succeeded(result) ? readReport(result.stdout) : undefined;
}

/** Pairs the driver's GPUs with the planned ones by their order: a machine sees other PCI addresses than the host. */
export function paired(
  planned: readonly PlannedGpu[],
  { gpus }: DriverReport,
): (readonly [number, DriverGpu, PlannedGpu | undefined])[] {
  return gpus.map((gpu, index) => [index, gpu, planned[index]] as const);
}
