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
      .min(1, { error: "is empty; remove the key to select every compute node" })
      .optional()
      .describe(
        "Compute nodes of the partition: compute-01, or with the cluster's name as prefix. Default: all.",
      ),
    default: z
      .boolean()
      .optional()
      .describe("Whether jobs that name no partition run here; see default_partition."),
    max_time: slurmTime
      .optional()
      .describe("Longest run time of a job, in SLURM's time format. Default: max_job_time."),
    state: z
      .enum(["UP", "DOWN", "DRAIN", "INACTIVE"])
      .default("UP")
      .describe("SLURM's partition state. Default: UP."),
  })
  .describe("One partition with its options.");

/** A partition: a name, or a map with options. */
export const partition = z
  .union([partitionName, partitionOptions])
  .describe(
    "A partition: a map with options, or a name. A name alone has every compute node; the name gpu alone has the nodes with a GPU, if there are any.",
  );

/** Configuration of SLURM. */
export const slurmConfig = z
  .strictObject({
    partitions: z
      .array(partition)
      .min(1)
      .default(["compute"])
      .describe("At least one partition: names, or maps with options. Default: compute."),
    default_partition: text
      .optional()
      .describe(
        "The partition of jobs that name none. Default: the partition with default: true, else the first.",
      ),
    max_job_time: slurmTime
      .optional()
      .describe(
        "Longest run time of a job, in SLURM's time format, for example 24:00:00. Default: UNLIMITED.",
      ),
    accounting: z
      .strictObject({
        enabled: z.boolean().default(true).describe("Whether slurmdbd stores job records. Default: true."),
      })
      .optional()
      .describe("Job records in a database. Default: enabled."),
    options: z
      .record(
        z.string().regex(/^[A-Z][A-Za-z]+$/, {
          error: withValue("is not a slurm.conf parameter such as SchedulerType"),
        }),
        z.union([z.string(), z.number(), z.boolean()], {
          error: withValue("is not text, a number, true or false"),
        }),
      )
      .default({})
      .describe("Further slurm.conf parameters by SLURM's names. Default: none."),
  })
  .describe("SLURM's partitions and options. Default: one partition, compute.");

/** A partition with optional options. */
export type PartitionConfig = Partial<z.output<typeof partitionOptions>> & { readonly name: string };

/** Converts both forms of a partition to a map. */
export function asOptions(config: z.output<typeof partition>): PartitionConfig {
  return typeof config === "string" ? { name: config } : config;
}
