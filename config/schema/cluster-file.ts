import { z } from "zod";
import { cloudCluster, hpcCluster } from "./cluster.ts";
import { count, withValue, text } from "./fields.ts";
import { workshop } from "./workshop.ts";

const metadata = z
  .looseObject({
    name: text.optional().describe("Name of the site. Default: the file's name, without its ending."),
    description: z.string().default("").describe("What it is for. Default: nothing."),
  })
  .describe("Who this file is for; further keys are yours. Default: named after the file.");

/** What the host may give to VMs. */
export const hostBudget = z
  .strictObject({
    cpu_cores: count(1).optional().describe("CPUs for VMs that start by themselves. Default: not checked."),
    memory_gb: count(1)
      .optional()
      .describe("Memory in GiB for VMs that start by themselves. Default: not checked."),
    disk_gb: count(1).optional().describe("Disk in GiB for all VMs. Default: not checked."),
  })
  .describe("What the host has for all clusters together; VMs that ask for more are an error.");

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
    global: z.record(z.string(), z.unknown()).optional().describe("Notes of tools and people; not used."),
    machines: z
      .enum(["vm", "container"])
      .default("vm")
      .describe("Virtual machines, or containers that boot like machines. Default: vm."),
    internet: z
      .boolean()
      .default(true)
      .describe(
        "Whether machines reach networks outside; nobody outside reaches in either way. Default: true.",
      ),
    host: hostBudget.optional(),
    clusters: z
      .strictObject({ hpc: hpcCluster.optional(), cloud: cloudCluster.optional() })
      .refine((clusters) => clusters.hpc !== undefined || clusters.cloud !== undefined, {
        error: "is empty: give hpc, cloud or both",
        // Not when it is a misspelled cluster that is there.
        when: ({ issues }) => issues.length === 0,
      })
      .describe("The clusters: hpc, cloud or both."),
    workshop: workshop.optional(),
  })
  .meta({ title: "ai-how cluster file" });

export type ClusterFile = z.output<typeof clusterFile>;
export type HostBudgetConfig = z.output<typeof hostBudget>;
