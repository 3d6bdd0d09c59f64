import * as pulumi from "@pulumi/pulumi";
import * as libvirt from "../../providers/libvirt/resources.ts";
import type { BootImage } from "./boot-image.ts";

export interface ImageFileArgs {
  /** A qcow2 image on this host, relative to the project's folder or absolute. */
  path: pulumi.Input<string>;
  /** libvirt's storage pool for the copy. */
  pool: pulumi.Input<string>;
  /** Name of the copy in the pool, `lab-base.qcow2`. */
  fileName: pulumi.Input<string>;
}

/** An image that somebody else made, copied into a storage pool once for all machines that start from it. */
export class ImageFile extends pulumi.ComponentResource implements BootImage {
  readonly disk: pulumi.Output<string>;

  constructor(name: string, args: ImageFileArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:ImageFile", name, {}, opts);
    const copy = new libvirt.Volume(
      `${name}-copy`,
      { name: args.fileName, pool: args.pool, format: "qcow2", source: args.path },
      { parent: this },
    );
    this.disk = copy.path;
    this.registerOutputs({ disk: this.disk });
  }
}
