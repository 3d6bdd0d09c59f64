import { nvidiaGpus, type GpuPlan } from "../../gpu/index.ts";
import type { Play } from "../ansible/play.ts";
import type { Machine } from "../machines/machine.ts";

export interface MigPartitionsArgs {
  machine: Machine;
  /** The plan of its GPUs. Pretended ones are ignored. */
  gpus: GpuPlan;
  /** Variables of role `nvidia` that choose the driver. Default: those of the role. */
  driver?: Readonly<Record<string, string>>;
}

/**
 * Installs NVIDIA's driver and partitions the GPUs of a machine by their plan: now, and at every boot before SLURM starts.
 * The play verifies the result. If the machine's GPUs differ from the plan, it fails and prints both.
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
