import { z } from "zod";
import { imagePath, withValue, text } from "./fields.ts";
import { driver } from "./driver.ts";
import { hardware } from "./hardware.ts";
import { image } from "./image.ts";
import { network } from "./network.ts";
import { headNode, nodes } from "./node.ts";
import { slurmConfig } from "./slurm.ts";
import { storage } from "./storage.ts";

const common = {
  name: z
    .string()
    .regex(/^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/, {
      error: withValue("cannot start a hostname: use letters, digits and hyphens"),
    })
    .describe("Starts the name of every VM, network and pool, so it has letters, digits and hyphens only."),
  base_image_path: imagePath
    .optional()
    .describe("qcow2 image that VMs start from, relative to the working directory."),
  image: image.optional(),
  network: network.optional(),
  hardware: hardware.optional(),
};

const kubernetesConfig = z
  .strictObject({
    cni: text.default("calico").describe("Network plugin. Default: calico."),
    ingress: text.default("nginx").describe("Ingress controller. Default: nginx."),
    storage_class: text.default("local-path").describe("Storage class. Default: local-path."),
  })
  .describe(
    "What Kubernetes is to be set up with. Nothing reads it yet: the VMs are made, and that is all. Default: as below.",
  );

/** A SLURM cluster. */
export const hpcCluster = z
  .strictObject({
    ...common,
    controller: headNode,
    compute_nodes: nodes
      .default([])
      .describe("The compute nodes: a list, or a group of VMs that are alike. Default: none."),
    slurm_config: slurmConfig.prefault({}),
    driver: driver.optional(),
    storage: storage.optional(),
  })
  .describe("A SLURM cluster.");

/** A Kubernetes cluster. */
export const cloudCluster = z
  .strictObject({
    ...common,
    control_plane: headNode,
    worker_nodes: nodes
      .default([])
      .describe("The worker nodes: a list, or a group of VMs that are alike. Default: none."),
    kubernetes_config: kubernetesConfig.prefault({}),
  })
  .describe("A Kubernetes cluster.");

export type HpcClusterConfig = z.output<typeof hpcCluster>;
export type CloudClusterConfig = z.output<typeof cloudCluster>;
