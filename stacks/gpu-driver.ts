import { driverVariables } from "../components/gpu/nvidia-driver.ts";
import { UserError } from "../config/errors.ts";
import type { Gpu, HpcCluster, Node } from "../config/site.ts";
import { findGpuModel } from "../gpu/index.ts";

// GPUs that only the open kernel modules support. Source: NVIDIA/open-gpu-kernel-modules, "Compatible GPUs".
const BLACKWELL = ["b200", "gb200", "b300", "gb300", "rtx_pro_6000"];
// The driver of Debian 12 with security updates; Debian 12 gets no newer branch.
const DEBIAN_12 = "535.261.03";

/** True for a real GPU, false for a pretended one. */
export function isReal({ pretended }: Gpu): boolean {
  return !pretended;
}

/** Variables of role `nvidia` that choose the driver of a cluster's nodes. Undefined: the role's defaults. */
export function driverOf({ driver, nodes }: HpcCluster): Readonly<Record<string, string>> | undefined {
  if (driver === undefined) return undefined;
  const details = nodes.flatMap((node) =>
    node.gpus.filter(isReal).flatMap((gpu) => driverProblems(driver, node, gpu)),
  );
  if (details.length > 0) throw new UserError("the driver does not support the GPUs", { details });
  return driverVariables(driver);
}

function driverProblems(driver: NonNullable<HpcCluster["driver"]>, node: Node, gpu: Gpu): string[] {
  const model = gpu.model === undefined ? undefined : findGpuModel(gpu.model);
  if (model === undefined || driver.source === "none") return [];
  const problems: string[] = [];
  if (driver.modules === "proprietary" && BLACKWELL.includes(model.gresType))
    problems.push(
      `clusters.hpc.driver.modules: ${model.name} of ${node.name} needs the open kernel modules; use open`,
    );
  const distribution =
    node.kind === "virtual" && node.image.kind !== "file" ? node.image.distribution : undefined;
  if (
    driver.source === "distribution" &&
    distribution === "debian12" &&
    isOlder(DEBIAN_12, model.minimumDriver)
  )
    problems.push(
      `clusters.hpc.driver.source: ${model.name} of ${node.name} needs driver ${model.minimumDriver} or newer, and Debian 12 has ${DEBIAN_12}; use source: nvidia with a repository`,
    );
  return problems;
}

function isOlder(one: string, other: string): boolean {
  const [a, b] = [one.split(".").map(Number), other.split(".").map(Number)];
  const at = a.findIndex((part, index) => part !== (b[index] ?? 0));
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}
