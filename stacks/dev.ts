import type * as pulumi from "@pulumi/pulumi";
import { UserError } from "../config/errors.ts";
import type { HpcCluster, Site } from "../config/site.ts";
import { beegfsProblems } from "./beegfs.ts";
import { isReal } from "./gpu-driver.ts";
import { configureHpc } from "./hpc.ts";
import { makeMachines } from "./machines.ts";
import { ADMIN_KEY_OUTPUT, OUTPUTS_VERSION, type StackOutputs } from "./outputs.ts";

/** The default target: a small SLURM cluster in a network namespace of any Linux machine. */
export async function dev(site: Site): Promise<pulumi.Inputs> {
  const hpc = supportedCluster(site);
  const machines = await makeMachines(site, hpc);
  const outputs = {
    version: OUTPUTS_VERSION,
    target: "dev",
    site: site.name,
    ...(machines.virtualization !== undefined && { virtualization: machines.virtualization }),
    ...configureHpc(hpc, machines),
  } satisfies { [Key in keyof StackOutputs]: unknown };
  return { ...outputs, ...(machines.adminKey !== undefined && { [ADMIN_KEY_OUTPUT]: machines.adminKey }) };
}

/** The site's HPC cluster. Throws one error that lists everything this target does not support. */
function supportedCluster({ hpc, cloud, workshop, machines }: Site): HpcCluster {
  if (hpc === undefined)
    throw new UserError("the target dev needs clusters.hpc, which the cluster file does not have");
  const { cpuPinning, hugepages, numaNodes, nested, cpuFeatures, cpuTopology } = hpc.acceleration;
  const virtual = hpc.nodes.filter((node) => node.kind === "virtual");
  const unsupported: readonly (readonly [string, boolean])[] = [
    ["clusters.cloud", cloud !== undefined],
    ["workshop", workshop !== undefined],
    ["clusters.hpc: image.builder: packer", virtual.some(({ image }) => image.kind === "packer")],
    ["clusters.hpc: gpus without `pretend: true`", hpc.nodes.some(({ gpus }) => gpus.some(isReal))],
    ["clusters.hpc: pcie_passthrough", virtual.some(({ passthrough }) => passthrough.length > 0)],
    [
      "clusters.hpc.hardware: cpu_pinning, hugepages and numa_topology",
      cpuPinning || hugepages !== undefined || numaNodes !== undefined,
    ],
    [
      "clusters.hpc.hardware: nested, cpu_features and cpu_topology",
      nested || cpuFeatures.length > 0 || cpuTopology !== undefined,
    ],
  ];
  const details = [
    ...unsupported
      .filter(([, isPresent]) => isPresent)
      .map(([key]) => `${key}: the target dev does not support this; remove it`),
    ...(machines === "container" && hpc.storage.beegfs !== undefined
      ? [
          "clusters.hpc.storage.beegfs: a container cannot load kernel modules; use machines: vm or storage.nfs",
        ]
      : beegfsProblems(hpc)),
  ];
  if (details.length > 0) throw new UserError("the target dev cannot build this cluster file", { details });
  return hpc;
}
