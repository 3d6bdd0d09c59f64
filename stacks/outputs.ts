import { z } from "zod";
import { TARGETS } from "../config/targets.ts";

/** Version of the format. Increases when an output is removed or changes its meaning, not when one is added. */
export const OUTPUTS_VERSION = 1;

const machineSchema = z.object({
  name: z.string().describe("Hostname"),
  shortName: z.string().describe("Name inside its cluster, as `ai-how ssh` takes it"),
  role: z.string().describe("Role in its cluster: controller, compute, control-plane or worker"),
  kind: z.enum(["vm", "container", "host"]).describe("Kind of machine"),
  address: z.string().describe("IPv4 address"),
  user: z.string().describe("User to log in as"),
  port: z.int().describe("SSH port"),
  hostKey: z.string().describe("Public SSH host key, `ssh-ed25519 AAAA...`"),
  proxyCommand: z
    .string()
    .optional()
    .describe("OpenSSH ProxyCommand to reach it; absent: a direct connection"),
  privateKeyPath: z
    .string()
    .optional()
    .describe("Key file to log in with; absent: the stack's key, or for a host the keys of the SSH client"),
  autoStart: z
    .literal(false)
    .optional()
    .describe(
      "False: `up` creates it but does not start it; `ai-how start --machine` does. Absent: `up` starts it",
    ),
  gpus: z
    .array(
      z.object({
        type: z.string().optional().describe("A MIG profile, or a whole GPU's model; absent: any GPU"),
        count: z.int(),
        pretended: z.boolean().describe("True: pretended; SLURM counts them, but no device exists"),
      }),
    )
    .optional()
    .describe("GPUs that SLURM schedules, requested by `--gres=gpu:TYPE:COUNT`; absent: none"),
  shards: z
    .int()
    .optional()
    .describe("Total time slices of its GPUs, requested by `--gres=shard:COUNT`; absent: no GPU is shared"),
});

/** Outputs of every stack, for other programs. They contain no secrets. */
export const stackOutputsSchema = z.object({
  version: z.literal(OUTPUTS_VERSION).describe("Version of this format"),
  target: z.enum(TARGETS).describe("Target of the stack"),
  site: z.string().describe("`metadata.name` of the cluster file"),
  machines: z.array(machineSchema).describe("All machines; the controller is first"),
  virtualization: z
    .object({
      type: z
        .enum(["kvm", "qemu", "container"])
        .describe("How virtual nodes run; `qemu` is software emulation"),
      because: z.string().describe("Reason for `type`"),
    })
    .optional(),
  slurm: z
    .object({
      cluster: z.string().describe("SLURM's ClusterName"),
      controller: z.string().describe("Short name of the machine on which to submit jobs"),
      partitions: z.array(z.string()).describe("Names of partitions; the default is first"),
      nodes: z.array(z.string()).describe("Names of compute nodes"),
      accounting: z.boolean().describe("Whether `sacct` shows finished jobs"),
      scratch: z.string().optional().describe("Mount point of the NFS share; absent: there is none"),
      beegfs: z.string().optional().describe("Mount point of BeeGFS; absent: there is none"),
      smokeJob: z
        .object({
          jobId: z.int(),
          nodes: z.array(z.string()).describe("Hostnames, as the nodes reported them"),
          elapsedSeconds: z.number(),
          state: z.string().describe("SLURM's job state, COMPLETED"),
        })
        .optional()
        .describe("Result of the smoke job; absent: no node of the default partition runs"),
    })
    .optional(),
  workshop: z
    .object({
      devEnvironments: z
        .array(
          z.object({
            projectId: z.string().describe("The launcher's SYGALDRY_PROJECT_ID"),
            root: z.string().describe("Folder on the host, SYGALDRY_CONTAINER_ROOT"),
            image: z.string().describe("Name and tag, SYGALDRY_IMAGE"),
            uid: z.int().describe("UID of its folders"),
            gid: z.int().describe("GID of its folders"),
          }),
        )
        .describe("One entry for each project's development containers"),
      temporal: z
        .object({
          address: z.string().describe("`host:port` of its gRPC frontend, TEMPORAL_ADDRESS"),
          namespace: z.string().describe("Namespace, TEMPORAL_NAMESPACE"),
          ui: z.string().describe("URL of its web page"),
        })
        .optional()
        .describe("Temporal of this stack; absent: there is none"),
      services: z
        .record(z.string(), z.object({ address: z.string().describe("URL, or `host:port`") }))
        .optional()
        .describe("Further services, by their keys in the cluster file"),
    })
    .optional()
    .describe("Services on the stack's host for people who build and train there"),
});

export type StackOutputs = z.infer<typeof stackOutputsSchema>;
export type MachineOutput = z.infer<typeof machineSchema>;

/** Name of the secret output that contains the private admin key; not part of `StackOutputs`. */
export const ADMIN_KEY_OUTPUT = "adminPrivateKey";
