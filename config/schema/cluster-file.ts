import { z } from "zod";
import { cloudCluster, hpcCluster } from "./cluster.ts";
import { count, withValue, text } from "./fields.ts";
import { workshop } from "./workshop.ts";

const metadata = z
  .looseObject({
    name: text.optional().describe("Name of the site. Default: the file's name without its extension."),
    description: z.string().default("").describe("Purpose of the site. Default: empty."),
  })
  .describe("Name and description of the site. You may add keys of your own. Default: named after the file.");

/** Resources of the host for VMs. */
export const hostBudget = z
  .strictObject({
    cpu_cores: count(1).optional().describe("CPUs for all VMs with auto_start. Default: not checked."),
    memory_gb: count(1)
      .optional()
      .describe("Memory in GiB for all VMs with auto_start. Default: not checked."),
    disk_gb: count(1).optional().describe("Disk in GiB for all VMs. Default: not checked."),
  })
  .describe("Resources of the host for the VMs of all clusters. It is an error if the VMs need more.");

/** The whole cluster file. */
export const clusterFile = z
  .strictObject({
    version: z
      .literal("1.0", {
        error: (issue) =>
          issue.input === 1 ? 'is a number; write version: "1.0"' : withValue('is not "1.0"')(issue),
      })
      .default("1.0")
      .describe('Version of the format, always "1.0", in quotes. Default: "1.0".'),
    metadata: metadata.prefault({}),
    global: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("Notes for tools and people. ai-how ignores it."),
    machines: z
      .enum(["vm", "container"])
      .default("vm")
      .describe("Whether nodes are virtual machines, or containers that boot a full system. Default: vm."),
    internet: z
      .boolean()
      .default(true)
      .describe(
        "Whether machines reach outside networks. Outside networks never reach machines. Default: true.",
      ),
    host: hostBudget.optional(),
    clusters: z
      .strictObject({ hpc: hpcCluster.optional(), cloud: cloudCluster.optional() })
      .refine((clusters) => clusters.hpc !== undefined || clusters.cloud !== undefined, {
        error: "is empty: give hpc, cloud or both",
        // Not for a misspelled cluster: then the unknown key is the problem.
        when: ({ issues }) => issues.length === 0,
      })
      .describe("The clusters: hpc, cloud or both."),
    workshop: workshop.optional(),
  })
  .meta({ title: "ai-how cluster file" });

export type ClusterFile = z.output<typeof clusterFile>;
export type HostBudgetConfig = z.output<typeof hostBudget>;
