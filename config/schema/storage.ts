import { z } from "zod";
import { absolutePath, withValue, text } from "./fields.ts";

const nodeName = text.describe(
  "Name of a node: controller, compute-01, or with the cluster's name as prefix.",
);

/** BeeGFS, a parallel file system on nodes of the cluster. */
export const beegfs = z
  .strictObject({
    enabled: z.boolean().describe("Whether to install BeeGFS."),
    mount_point: absolutePath.describe(
      "Mount point on every node, an absolute path, for example /mnt/beegfs.",
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
        auto_mount: z.boolean().default(true).describe("Whether to mount at boot. Default: true."),
      })
      .optional()
      .describe("Mount settings of the nodes."),
    version: z
      .string()
      .regex(/^\d+\.\d+\.\d+$/, { error: withValue("is not a version such as 8.3.1") })
      .optional()
      .describe("Version of BeeGFS, 8.0.1 or later. Default: the newest that ai-how supports, 8.3.1."),
    data_directory: absolutePath
      .default("/data/beegfs")
      .describe(
        "Folder on metadata and storage nodes for metadata and file contents. Default: /data/beegfs.",
      ),
    packages: z
      .strictObject({
        directory: absolutePath
          .optional()
          .describe(
            "Folder on this host with BeeGFS's .deb files, at any depth, for machines without internet.",
          ),
        repository: z
          .url({ protocol: /^https?$/, error: withValue("is not an http or https URL") })
          .optional()
          .describe(
            "URL of an apt repository with the layout of ThinkParQ's. Default: ThinkParQ's repository.",
          ),
        key: absolutePath
          .optional()
          .describe(
            "File on this host with the repository's public key, ASCII-armoured. Default: ThinkParQ's key, verified by its fingerprint.",
          ),
      })
      .refine(
        ({ directory, repository, key }) => directory === undefined || (repository ?? key) === undefined,
        {
          error: "needs either directory, or repository and key",
        },
      )
      .refine(({ repository, key }) => (repository === undefined) === (key === undefined), {
        error: "needs both repository and key",
      })
      .optional()
      .describe("Source of the packages. Default: ThinkParQ's repository."),
    tls: z
      .strictObject({
        certificate: absolutePath.describe("PEM file on this host with the certificate."),
        key: absolutePath.describe("PEM file on this host with the private key, which is kept secret."),
      })
      .optional()
      .describe("Certificate of the management service. Default: self-signed by the management node."),
    license: absolutePath
      .optional()
      .describe("PEM file on this host with the license, which is kept secret. Default: none."),
  })
  .describe("BeeGFS, a parallel file system on nodes of the cluster.");

/** A folder that one node exports by NFS and all others mount. */
export const nfs = z
  .strictObject({
    enabled: z.boolean().default(true).describe("Whether to set up the share. Default: true."),
    server: nodeName.default("controller").describe("Node that exports the folder. Default: controller."),
    mount_point: absolutePath
      .default("/scratch")
      .describe(
        "Absolute path of the folder on the server, and of the mount point on all other nodes. Default: /scratch.",
      ),
    options: text
      .default("vers=4.2,hard,noatime,_netdev")
      .describe("Mount options of the clients. Default: vers=4.2,hard,noatime,_netdev."),
  })
  .describe("A folder that one node exports by NFS and all others mount.");

/** Shared storage of an HPC cluster. */
export const storage = z
  .strictObject({
    nfs: nfs.optional(),
    beegfs: beegfs.optional(),
    virtio_fs: z
      .strictObject({
        enabled: z.boolean().describe("False: ignore the virtio_fs_mounts of all nodes."),
      })
      .optional()
      .describe("Enables or disables the virtio_fs_mounts of all nodes. Default: enabled."),
  })
  .describe("Shared storage of the nodes.");
