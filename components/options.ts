import type * as pulumi from "@pulumi/pulumi";

/** Options of a component's child. The SDK hands down providers, but not what the component waits for or goes with. */
export function childOf(
  parent: pulumi.ComponentResource,
  opts: pulumi.ComponentResourceOptions | undefined,
): pulumi.CustomResourceOptions {
  return {
    parent,
    ...(opts?.dependsOn !== undefined && { dependsOn: opts.dependsOn }),
    ...(opts?.deletedWith !== undefined && { deletedWith: opts.deletedWith }),
  };
}
