import { z } from "zod";
import { withValue, text } from "./fields.ts";

// slurm.conf(5), MaxTime: minutes, minutes:seconds, hours:minutes:seconds, days-hours and so on.
const slurmTime = z.string().regex(/^(\d+|\d+:\d\d|\d+:\d\d:\d\d|\d+-\d+(:\d\d){0,2}|INFINITE|UNLIMITED)$/i, {
  error: withValue("is not a SLURM time such as 24:00:00, 7-00:00:00 or UNLIMITED"),
});

const partitionName = z
  .string()
  .regex(/^[a-zA-Z0-9_-]+$/, { error: withValue("is not a partition name: use letters, digits, _ and -") });

const partitionOptions = z
  .strictObject({
    name: partitionName.describe("Name of the partition."),
    nodes: z
      .array(text)
      .min(1, { error: "names no node; leave it out for every compute node" })
      .optional()
      .describe("Compute nodes in it: compute-01, or with the cluster's name before it. Default: all."),
    default: z
      .boolean()
      .optional()
      .describe("Where jobs go that name no partition; the same as default_partition."),
    max_time: slurmTime
      .optional()
      .describe("Longest run time of a job, a SLURM time. Default: max_job_time."),
    state: z.enum(["UP", "DOWN", "DRAIN", "INACTIVE"]).default("UP").describe("SLURM's State. Default: UP."),
  })
  .describe("One partition with its options.");

/** A partition: its name alone, or with options. */
export const partition = z
  .union([partitionName, partitionOptions])
  .describe("A name alone has every compute node; gpu alone has the nodes with a GPU where there are any.");

/** How SLURM is set up. */
export const slurmConfig = z
  .strictObject({
    partitions: z
      .array(partition)
      .min(1)
      .default(["compute"])
      .describe("The partitions, at least one: names, or maps with options. Default: compute."),
    default_partition: text
      .optional()
      .describe(
        "Where jobs go that name no partition. Default: the partition with default: true, or the first.",
      ),
    max_job_time: slurmTime
      .optional()
      .describe("Longest run time of a job, a SLURM time such as 24:00:00. Default: UNLIMITED."),
    accounting: z
      .strictObject({
        enabled: z.boolean().default(true).describe("Whether slurmdbd keeps job records. Default: true."),
      })
      .optional()
      .describe("Job records in a database. Default: enabled."),
    options: z
      .record(
        z
          .string()
          .regex(/^[A-Z][A-Za-z]+$/, {
            error: withValue("is not a slurm.conf parameter such as SchedulerType"),
          }),
        z.union([z.string(), z.number(), z.boolean()], {
          error: withValue("is not text, a number, true or false"),
        }),
      )
      .default({})
      .describe("Further slurm.conf parameters under SLURM's own names. Default: none."),
  })
  .describe("SLURM's partitions and options. Default: one partition, compute.");

/** A partition whose options may be missing. */
export type PartitionConfig = Partial<z.output<typeof partitionOptions>> & { readonly name: string };

/** Both forms of a partition as one: a name alone has no options. */
export function asOptions(config: z.output<typeof partition>): PartitionConfig {
  return typeof config === "string" ? { name: config } : config;
}
