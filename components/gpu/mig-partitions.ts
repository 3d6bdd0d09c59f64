import { nvidiaGpus, type GpuPlan } from "../../gpu/index.ts";
import type { Play } from "../ansible/play.ts";
import type { Machine } from "../machines/machine.ts";

export interface MigPartitionsArgs {
  machine: Machine;
  /** Its GPUs as planned; pretended ones are left out. */
  gpus: GpuPlan;
  /** Which driver it gets, as variables of role `nvidia`. Default: the role's. */
  driver?: Readonly<Record<string, string>>;
}

/**
 * The GPUs of a machine as they were planned: NVIDIA's driver, and partitions that are cut by plan, cut again at every boot
 * before SLURM starts, and verified. A machine that has other GPUs than planned fails, with both printed.
 */
export function migPartitions({ machine, gpus, driver }: MigPartitionsArgs): Play {
  const real = gpus.filter(({ pretended }) => !pretended);
  const plan = nvidiaGpus(real, machine.kind === "vm" ? "guest" : "host");
  return {
    roles: ["nvidia"],
    groups: { gpu_nodes: [machine] },
    variables: { ...driver, nvidia_plans: { [machine.name]: plan } },
  };
}
