import type * as pulumi from "@pulumi/pulumi";

/**
 * Arguments that are a section of the cluster file, whose schema describes each and gives its default. Whether an optional one is
 * there has to be known at once.
 */
export type Inputs<Section> = {
  readonly [Key in keyof Section]: undefined extends Section[Key] ? Section[Key] : pulumi.Input<Section[Key]>;
};

/** Options of a component's child. The SDK hands down providers, but not what the component is deleted with. */
export function childOf(
  parent: pulumi.ComponentResource,
  opts: pulumi.ComponentResourceOptions | undefined,
): pulumi.CustomResourceOptions {
  return { parent, ...(opts?.deletedWith !== undefined && { deletedWith: opts.deletedWith }) };
}
