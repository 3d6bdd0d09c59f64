import type * as pulumi from "@pulumi/pulumi";

/** Options of a component's child. The SDK hands down providers, but not what the component is deleted with. */
export function childOf(
  parent: pulumi.ComponentResource,
  opts: pulumi.ComponentResourceOptions | undefined,
): pulumi.CustomResourceOptions {
  return { parent, ...(opts?.deletedWith !== undefined && { deletedWith: opts.deletedWith }) };
}
