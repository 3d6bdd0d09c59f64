import * as pulumi from "@pulumi/pulumi";
import { gresParameter, migParted, nvidiaGpus, type GpuPlan } from "../../gpu/index.ts";
import type { Variables } from "../ansible/inventory.ts";
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
export class MigPartitions extends pulumi.ComponentResource {
  /** What SLURM schedules, `gpu:3g.40gb:1,gpu:1g.10gb:4`. */
  readonly gres: string;
  /** The same for NVIDIA's mig-parted, YAML. */
  readonly migParted: string;
  /** What Ansible has to apply for it. */
  readonly play: Play;

  constructor(name: string, args: MigPartitionsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:MigPartitions", name, {}, opts);
    const { machine } = args;
    const gpus = args.gpus.filter(({ pretended }) => !pretended);
    this.gres = gresParameter(gpus) ?? "";
    this.migParted = migParted(gpus);
    this.play = {
      roles: ["nvidia"],
      groups: { gpu_nodes: [machine] },
      variables: pulumi
        .output(nvidiaGpus(gpus, machine.kind === "vm" ? "guest" : "host"))
        .apply((planned): Variables => ({ ...args.driver, nvidia_plans: { [machine.name]: planned } })),
    };
    this.registerOutputs({ gres: this.gres, migParted: this.migParted });
  }
}
