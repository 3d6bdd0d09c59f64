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
      error: withValue("is not a valid start of a hostname: use letters, digits and hyphens"),
    })
    .describe("Prefix of the names of all VMs, networks and pools. Letters, digits and hyphens only."),
  base_image_path: imagePath
    .optional()
    .describe("Path of the qcow2 image of the VMs, relative to the working directory."),
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
    "Settings for Kubernetes. Not used yet: ai-how makes the VMs, but does not install Kubernetes. Default: as below.",
  );

/** A SLURM cluster. */
export const hpcCluster = z
  .strictObject({
    ...common,
    controller: headNode,
    compute_nodes: nodes
      .default([])
      .describe("The compute nodes: a list, or a group of identical VMs. Default: none."),
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
      .describe("The worker nodes: a list, or a group of identical VMs. Default: none."),
    kubernetes_config: kubernetesConfig.prefault({}),
  })
  .describe("A Kubernetes cluster.");

export type HpcClusterConfig = z.output<typeof hpcCluster>;
export type CloudClusterConfig = z.output<typeof cloudCluster>;
