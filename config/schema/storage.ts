import { z } from "zod";
import { absolutePath, text } from "./fields.ts";

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
