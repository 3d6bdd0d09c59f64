import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments, problemUnless } from "../arguments.ts";
import type { Playbook } from "../ansible/playbook.ts";
import { inCheckout } from "../checkout.ts";
import type { SlurmCluster } from "./slurm-cluster.ts";

export interface SmokeJobArgs {
  cluster: SlurmCluster;
  /** The run that configures the cluster; the job reruns after it. */
  after: Playbook;
}

/** Result of a job that ran on every node. */
export interface SmokeJobResult {
  readonly jobId: number;
  /** Hostnames, as the nodes reported them. */
  readonly nodes: readonly string[];
  readonly elapsedSeconds: number;
  /** SLURM's job state, `COMPLETED`. */
  readonly state: string;
}

/** Runs a job on all nodes of a cluster's default partition whenever the configuration changes. Fails if the job fails. */
export class SmokeJob extends pulumi.ComponentResource {
  readonly result: pulumi.Output<SmokeJobResult>;

  constructor(name: string, args: SmokeJobArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:hpc:SmokeJob", name, {}, opts);
    const { cluster } = args;
    const partition = cluster.defaultPartition;
    checkArguments(
      name,
      problemUnless(
        partition.nodes.length > 0,
        "cluster",
        `has no node in its default partition, ${partition.name}`,
      ),
    );
    const script = inCheckout("ansible/files/smoke-job.sh");
    const job = new command.local.Command(
      `${name}-job`,
      {
        create: `${inCheckout("ansible/ssh")} bash -s -- ${partition.nodes.length} ${partition.name} < ${script}`,
        environment: {
          AI_HOW_MACHINE: pulumi.secret(cluster.controller.ssh.apply((ssh) => JSON.stringify(ssh))),
        },
        triggers: [
          ...args.after.triggers,
          new pulumi.asset.FileAsset(script),
          partition.nodes.join(","),
          args.after.completed,
        ],
        logging: "stderr",
      },
      { parent: this },
    );
    // Pulumi marks the output as secret because the environment is. Hostnames and a job ID are not secret.
    this.result = pulumi.unsecret(job.stdout).apply((text) => JSON.parse(text) as SmokeJobResult);
    this.registerOutputs({ result: this.result });
  }
}
