import { z } from "zod";
import { absolutePath, count, withValue, text } from "./fields.ts";

const owner = (of: string) => z.int().min(0).describe(`${of}, a number. Default: 1000.`).default(1000);
const port = (of: string, number: number) =>
  z
    .int()
    .min(1)
    .max(65_535)
    .default(number)
    .describe(`Port of ${of} on 127.0.0.1, which only this host reaches. Default: ${number}.`);

/** One project's development containers. */
export const devEnvironment = z
  .strictObject({
    project_id: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, {
        error: withValue("is not a project name: use letters, digits, dots, dashes and underscores"),
      })
      .describe("Name of the project, SYGALDRY_PROJECT_ID of the launcher."),
    root: absolutePath
      .optional()
      .describe(
        "Absolute path of the folder for the project's home and caches on this host. Default: /mnt/data_infra/zephyr_container_infra/<project_id>.",
      ),
    uid: owner("UID of the user in the container, who owns the folders"),
    gid: owner("GID of the folders"),
  })
  .describe("Folders and image on this host for the development containers of one project.");

const temporalNamespace = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, {
    error: withValue("is not a namespace: use letters, digits, dots, dashes and underscores"),
  })
  .default("default")
  .describe("Namespace to create in Temporal. Default: default.");

/** Temporal in containers of this host. */
export const temporal = z
  .strictObject({
    port: port("the gRPC frontend", 7233),
    ui_port: port("the web page", 8080),
    namespace: temporalNamespace,
  })
  .describe(
    "Temporal with PostgreSQL in containers of this host, for pipelines that several people share or that run for long.",
  );

/** Temporal in a Kubernetes cluster. */
export const temporalOnKubernetes = z
  .strictObject({
    kubeconfig: absolutePath.describe(
      "Absolute path of the cluster's kubeconfig, for example /etc/rancher/k3s/k3s.yaml.",
    ),
    context: text.optional().describe("Context in the kubeconfig. Default: the current context."),
    kubernetes_namespace: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
        error: withValue(
          "is not a Kubernetes namespace: use at most 63 lower-case letters, digits and dashes",
        ),
      })
      .default("temporal")
      .describe("Kubernetes namespace to create. Default: temporal."),
    namespace: temporalNamespace,
    storage_gb: count(1).default(10).describe("Size of the database's volume in GiB. Default: 10."),
    storage_class: text
      .optional()
      .describe("Storage class of the volume. Default: the cluster's default class."),
    chart: text
      .optional()
      .describe(
        "Folder, archive or oci:// URL of Temporal's Helm chart. Default: the version that ai-how pins, from Temporal's repository.",
      ),
  })
  .describe("Temporal with PostgreSQL in an existing Kubernetes cluster, instead of `temporal`.");

/** Services on this host for people who build and train there. */
export const workshop = z
  .strictObject({
    base_image: text
      .optional()
      .describe(
        "Base image of development containers, with tag or digest. Default: CUDA 12.9.1 with cuDNN on Ubuntu 24.04.",
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
  .describe("Development containers in this host's Docker, and Temporal there or in a Kubernetes cluster.");

export type WorkshopConfig = z.output<typeof workshop>;
