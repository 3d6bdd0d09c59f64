import type * as pulumi from "@pulumi/pulumi";

/**
 * A section of the cluster file as arguments of a component; the section's schema describes each and gives its default.
 * Optional ones are plain values, because a component has to know at once whether they are given.
 */
export type Inputs<Section> = {
  readonly [Key in keyof Section]: undefined extends Section[Key] ? Section[Key] : pulumi.Input<Section[Key]>;
};

/** Options of a component's child: its parent, and the parent's `deletedWith`, which children do not inherit. */
export function childOf(
  parent: pulumi.ComponentResource,
  opts: pulumi.ComponentResourceOptions | undefined,
): pulumi.CustomResourceOptions {
  return { parent, ...(opts?.deletedWith !== undefined && { deletedWith: opts.deletedWith }) };
}
