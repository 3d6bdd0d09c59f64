import type { ProviderDefinition } from "../../../../providers/framework/resource.ts";
import { configSchema, type DockerConfig } from "./connection.ts";
import { container } from "./container.ts";
import { image } from "./image.ts";
import { network } from "./network.ts";
import { volume } from "./volume.ts";

/**
 * What the stacks use of Pulumi's Docker provider, by Docker's API: the same types, inputs, ids and outputs, and the same
 * changes that replace. `root` is the project's folder, from which build contexts are looked for.
 */
export function docker(root: string): ProviderDefinition<DockerConfig> {
  return {
    name: "docker",
    version: "5.2.0",
    config: configSchema,
    resources: [container, image(root), network, volume],
    invokes: [],
  };
}
