import { z } from "zod";
import { absolutePath, withValue, text } from "./fields.ts";

const nodeName = text.describe(
  "Name of a node: controller, compute-01, or with the cluster's name before it.",
);

/** A parallel file system on nodes of the cluster. */
export const beegfs = z
  .strictObject({
    enabled: z.boolean().describe("Whether there is BeeGFS."),
    mount_point: absolutePath.describe(
      "Where every node mounts it, an absolute path, for example /mnt/beegfs.",
    ),
    management_node: nodeName
      .default("controller")
      .describe("Node of the management service. Default: controller."),
    metadata_nodes: z
      .array(nodeName)
      .min(1)
      .optional()
      .describe("Nodes of the metadata service. Default: the management node."),
    storage_nodes: z
      .array(nodeName)
      .min(1)
      .optional()
      .describe("Nodes of the storage service. Default: every compute node."),
    client_config: z
      .strictObject({
        mount_options: text.default("defaults,_netdev").describe("Mount options. Default: defaults,_netdev."),
        auto_mount: z.boolean().default(true).describe("Mount at boot. Default: true."),
      })
      .optional()
      .describe("How nodes mount it."),
    version: z
      .string()
      .regex(/^\d+\.\d+\.\d+$/, { error: withValue("is not a version such as 8.3.1") })
      .optional()
      .describe("Version of BeeGFS, 8.0.1 or later. Default: the newest that ai-how knows, 8.3.1."),
    data_directory: absolutePath
      .default("/data/beegfs")
      .describe(
        "Folder on metadata and storage nodes that holds metadata and file contents. Default: /data/beegfs.",
      ),
    packages: z
      .strictObject({
        directory: absolutePath
          .optional()
          .describe(
            "Folder of this host with BeeGFS's .deb files, at any depth, for machines without internet.",
          ),
        repository: z
          .url({ protocol: /^https?$/, error: withValue("is not a URL of http or https") })
          .optional()
          .describe("URL of an apt repository that is laid out as its makers' is. Default: its makers' own."),
        key: absolutePath
          .optional()
          .describe(
            "File of this host with the repository's public key, ASCII-armoured. Default: the makers', by its fingerprint.",
          ),
      })
      .refine(
        ({ directory, repository, key }) => directory === undefined || (repository ?? key) === undefined,
        {
          error: "give either a directory or a repository with its key",
        },
      )
      .refine(({ repository, key }) => (repository === undefined) === (key === undefined), {
        error: "a repository and its key go together",
      })
      .optional()
      .describe("Where its packages come from. Default: its makers' repository."),
    tls: z
      .strictObject({
        certificate: absolutePath.describe("File of this host with the certificate, PEM."),
        key: absolutePath.describe("File of this host with its private key, PEM; kept as a secret."),
      })
      .optional()
      .describe(
        "Certificate of the management service. Default: one that the management node makes and signs itself.",
      ),
    license: absolutePath
      .optional()
      .describe("File of this host with the license, PEM; kept as a secret. Default: none."),
  })
  .describe("BeeGFS, a parallel file system on nodes of the cluster.");

/** A folder of one node that every node mounts. */
export const nfs = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Whether there is the NFS share. Default: true."),
    server: nodeName.default("controller").describe("Node that serves it. Default: controller."),
    mount_point: absolutePath
      .default("/scratch")
      .describe(
        "The folder on the server, and where every other node mounts it; absolute. Default: /scratch.",
      ),
    options: text
      .default("vers=4.2,hard,noatime,_netdev")
      .describe("Mount options of the clients. Default: vers=4.2,hard,noatime,_netdev."),
  })
  .describe("An NFS share of one node that every node mounts.");

/** What the nodes of an HPC cluster share. */
export const storage = z
  .strictObject({
    nfs: nfs.optional(),
    beegfs: beegfs.optional(),
    virtio_fs: z
      .strictObject({
        enabled: z.boolean().describe("False: the virtio_fs_mounts of the nodes are left out."),
      })
      .optional()
      .describe("Switch for the folders that nodes share with the host. Default: enabled."),
  })
  .describe("Storage that the nodes share.");
