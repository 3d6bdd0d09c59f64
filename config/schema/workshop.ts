import { z } from "zod";
import { absolutePath, says, text } from "./fields.ts";

const owner = (of: string) => z.int().min(0).describe(`${of}, a number. Default: 1000.`).default(1000);
const port = (of: string, number: number) =>
  z
    .int()
    .min(1)
    .max(65_535)
    .default(number)
    .describe(`Port of ${of} on 127.0.0.1, where only this host reaches it. Default: ${number}.`);

/** One project's development containers. */
export const devEnvironment = z
  .strictObject({
    project_id: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, {
        error: says("is not a project's name: letters, digits, dots, dashes and underscores"),
      })
      .describe("Name of the project, SYGALDRY_PROJECT_ID of the launcher."),
    root: absolutePath
      .optional()
      .describe(
        "Folder of this host that keeps the project's home and caches, absolute. Default: /mnt/data_infra/zephyr_container_infra/<project_id>.",
      ),
    uid: owner("Owner of the folders: who works in the container"),
    gid: owner("Group of the folders"),
  })
  .describe("What the development containers of one project find on this host.");

/** Temporal for pipelines. */
export const temporal = z
  .strictObject({
    port: port("its gRPC frontend", 7233),
    ui_port: port("its web page", 8080),
    namespace: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, {
        error: says("is not a namespace: letters, digits, dots, dashes and underscores"),
      })
      .default("default")
      .describe("Namespace that is made. Default: default."),
  })
  .describe(
    "Temporal with PostgreSQL in containers of this host, for pipelines of several people or that have to last.",
  );

/** Where people build and train on this host. */
export const workshop = z
  .strictObject({
    base_image: text
      .optional()
      .describe(
        "Image that the development container's is built on, with its tag or digest. Default: CUDA 12.9.1 with cuDNN on Ubuntu 24.04.",
      ),
    dev_environments: z
      .array(devEnvironment)
      .default([])
      .describe("One entry for each project. Default: none."),
    temporal: temporal.optional().describe("Temporal in containers. Default: none."),
  })
  .describe("Development containers and Temporal on this host, by its Docker.");

export type WorkshopConfig = z.output<typeof workshop>;
