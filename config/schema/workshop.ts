import { z } from "zod";
import { absolutePath, count, withValue, text } from "./fields.ts";

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
        error: withValue("is not a project's name: letters, digits, dots, dashes and underscores"),
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

const temporalNamespace = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, {
    error: withValue("is not a namespace: letters, digits, dots, dashes and underscores"),
  })
  .default("default")
  .describe("Namespace that is made. Default: default.");

/** Temporal for pipelines. */
export const temporal = z
  .strictObject({
    port: port("its gRPC frontend", 7233),
    ui_port: port("its web page", 8080),
    namespace: temporalNamespace,
  })
  .describe(
    "Temporal with PostgreSQL in containers of this host, for pipelines of several people or that have to last.",
  );

/** Temporal for pipelines, in a cluster. */
export const temporalOnKubernetes = z
  .strictObject({
    kubeconfig: absolutePath.describe(
      "File that says how the cluster is reached, absolute: /etc/rancher/k3s/k3s.yaml is k3s's own.",
    ),
    context: text.optional().describe("Context of that file. Default: its current one."),
    kubernetes_namespace: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
        error: withValue("is not a Kubernetes namespace: small letters, digits and dashes, 63 at most"),
      })
      .default("temporal")
      .describe("Namespace of Kubernetes that is made for it. Default: temporal."),
    namespace: temporalNamespace,
    storage_gb: count(1).default(10).describe("Size of the database's volume in GiB. Default: 10."),
    storage_class: text.optional().describe("What the volume is made by. Default: the cluster's default."),
    chart: text
      .optional()
      .describe(
        "Folder, archive or oci:// address of Temporal's Helm chart. Default: its makers' repository, the version that ai-how knows.",
      ),
  })
  .describe("Temporal with PostgreSQL in a Kubernetes cluster that there is, in the place of `temporal`.");

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
    temporal_on_kubernetes: temporalOnKubernetes
      .optional()
      .describe("Temporal in a Kubernetes cluster. Default: none."),
  })
  .describe(
    "Development containers on this host, by its Docker, and Temporal there or in a Kubernetes cluster.",
  );

export type WorkshopConfig = z.output<typeof workshop>;
