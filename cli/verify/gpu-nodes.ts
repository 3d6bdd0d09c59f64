import type { VirtualNode } from "../../config/site.ts";
import type { PlannedGpu } from "../../gpu/index.ts";
import { readReport, type DriverGpu, type DriverReport } from "../doctor/gpu-host.ts";
import { succeeded, type Ground, type Guest } from "./step.ts";

/** A machine that has GPUs by the cluster file. */
export interface GpuNode {
  readonly node: VirtualNode;
  /** Those that are devices; in the order in which the machine sees them. */
  readonly planned: readonly PlannedGpu[];
  /** Undefined: the stack is not up, or the machine is not part of it. */
  readonly guest: Guest | undefined;
}

export function gpuNodes({ site, guests }: Ground): GpuNode[] {
  return site.clusters
    .flatMap(({ nodes }) => nodes.filter((node) => node.kind === "virtual"))
    .map((node) => ({
      node,
      planned: node.gpuPlan.filter(({ pretended }) => !pretended),
      guest: guests.find(({ name }) => name === node.name),
    }))
    .filter(({ planned }) => planned.length > 0);
}

/** What the driver of a machine says; undefined where it says nothing of use. */
export async function driverReport(guest: Guest): Promise<DriverReport | undefined> {
  const said = await guest.run("nvidia-smi", "-q", "-x");
  return succeeded(said) ? readReport(said.stdout) : undefined;
}

/** The driver's GPUs with what was planned of each; by their order, which is how a machine tells them apart. */
export function paired(
  planned: readonly PlannedGpu[],
  { gpus }: DriverReport,
): (readonly [number, DriverGpu, PlannedGpu | undefined])[] {
  return gpus.map((gpu, index) => [index, gpu, planned[index]] as const);
}
