import { z } from "zod";
import { TARGETS } from "../config/targets.ts";

/** Raised when an output changes its meaning or goes away; additions do not raise it. */
export const OUTPUTS_VERSION = 1;

const machineSchema = z.object({
  name: z.string().describe("Hostname"),
  shortName: z.string().describe("Name inside its cluster, as `ai-how ssh` takes it"),
  role: z.string().describe("What it does in its cluster: controller, compute"),
  kind: z.enum(["vm", "container", "host"]).describe("What it is"),
  address: z.string().describe("IPv4 address"),
  user: z.string().describe("The user to log in as"),
  port: z.int().describe("SSH port"),
  hostKey: z.string().describe("Public SSH host key, `ssh-ed25519 AAAA...`"),
  proxyCommand: z
    .string()
    .optional()
    .describe("OpenSSH ProxyCommand that reaches it; absent: a direct connection"),
  privateKeyPath: z
    .string()
    .optional()
    .describe("Key file to log in with; absent: the stack's key, and for a host the SSH client's own"),
  autoStart: z
    .literal(false)
    .optional()
    .describe(
      "False: `up` makes it and leaves it off, and `ai-how start --machine` starts it; absent: it runs",
    ),
  gpus: z
    .array(
      z.object({
        type: z.string().optional().describe("A MIG profile, or a whole GPU's model; absent: any GPU"),
        count: z.int(),
        pretended: z.boolean().describe("Whether SLURM only counts them and there is no device"),
      }),
    )
    .optional()
    .describe("What SLURM has of GPUs there, as `--gres=gpu:TYPE:COUNT` asks for them; absent: none"),
  shards: z
    .int()
    .optional()
    .describe(
      "Time slices of its GPUs in all, as `--gres=shard:COUNT` asks for them; absent: none is shared",
    ),
});

/** Outputs of every stack, for other programs; a secret is never among the plain ones. */
export const stackOutputsSchema = z.object({
  version: z.literal(OUTPUTS_VERSION).describe("Version of this format"),
  target: z.enum(TARGETS).describe("Which program of ai-how made it"),
  site: z.string().describe("`metadata.name` of the cluster file"),
  machines: z.array(machineSchema).describe("All machines, the controller first"),
  virtualization: z
    .object({
      type: z.enum(["kvm", "qemu", "container"]).describe("`qemu` is software emulation"),
      because: z.string().describe("Why it is that"),
    })
    .optional(),
  slurm: z
    .object({
      cluster: z.string().describe("SLURM's ClusterName"),
      controller: z.string().describe("Short name of the machine to submit jobs on"),
      partitions: z.array(z.string()).describe("Names of partitions, the default first"),
      nodes: z.array(z.string()).describe("Names of compute nodes"),
      accounting: z.boolean().describe("Whether `sacct` remembers jobs"),
      scratch: z.string().optional().describe("Folder that all nodes share"),
      beegfs: z.string().optional().describe("Where all machines mount BeeGFS; absent: there is none"),
      smokeJob: z
        .object({
          jobId: z.int(),
          nodes: z.array(z.string()).describe("Hostnames, as the nodes themselves said them"),
          elapsedSeconds: z.number(),
          state: z.string().describe("SLURM's word, COMPLETED"),
        })
        .optional()
        .describe("The job that proved the cluster; absent: no node of the default partition runs"),
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
            uid: z.int().describe("Owner of its folders"),
            gid: z.int().describe("Group of its folders"),
          }),
        )
        .describe("Where the launcher finds what development containers need"),
      temporal: z
        .object({
          address: z.string().describe("`host:port` of its gRPC frontend, TEMPORAL_ADDRESS"),
          namespace: z.string().describe("Namespace that there is, TEMPORAL_NAMESPACE"),
          ui: z.string().describe("Address of its web page"),
        })
        .optional()
        .describe("Absent: none of the stack's own"),
      services: z
        .record(z.string(), z.object({ address: z.string().describe("URL, or `host:port`") }))
        .optional()
        .describe("Further services, by their keys in the cluster file"),
    })
    .optional()
    .describe("What the stack's host has for people who build and train on it"),
});

export type StackOutputs = z.infer<typeof stackOutputsSchema>;
export type MachineOutput = z.infer<typeof machineSchema>;

/** Names of outputs that are secret and so no part of `StackOutputs`. */
export const ADMIN_KEY_OUTPUT = "adminPrivateKey";
