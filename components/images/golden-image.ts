import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import type { BootImage } from "./boot-image.ts";

export interface GoldenImageArgs {
  /** What it is an image of. */
  distribution: pulumi.Input<"debian12" | "ubuntu2404">;
  /** Package mirror. Default: the host's own where it runs the same release, else the distribution's. */
  mirror?: pulumi.Input<string>;
  /** Packages besides those of every image. Default: none. */
  packages?: pulumi.Input<string[]>;
  /** Where images and packages are kept between runs, relative to the project's folder. Default `.ai-how/cache`. */
  cacheDirectory?: pulumi.Input<string>;
  /** Variables of the roles that bake it. Default none. */
  roleVariables?: pulumi.Input<Record<string, string>>;
}

/**
 * A system image with everything in it that does not depend on the cluster: built from packages and by the same roles
 * that configure machines, named by its content, built again only when that changes.
 */
export class GoldenImage extends pulumi.ComponentResource implements BootImage {
  /** Content name. */
  readonly imageName: pulumi.Output<string>;
  /** The root file system as a folder, for container nodes. */
  readonly rootDirectory: pulumi.Output<string>;
  /** The disk, qcow2, for VMs. */
  readonly disk: pulumi.Output<string>;
  readonly direct: NonNullable<BootImage["direct"]>;

  constructor(name: string, args: GoldenImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:GoldenImage", name, {}, opts);
    const image = new host.Image(
      `${name}-image`,
      {
        distribution: args.distribution,
        cacheDirectory: args.cacheDirectory ?? ".ai-how/cache",
        ...(args.mirror !== undefined && { mirror: args.mirror }),
        ...(args.packages !== undefined && { packages: args.packages }),
        ...(args.roleVariables !== undefined && { roleVariables: args.roleVariables }),
      },
      { parent: this },
    );
    this.imageName = image.name;
    this.rootDirectory = image.rootDirectory;
    this.disk = image.disk;
    this.direct = { kernel: image.kernel, initrd: image.initrd, arguments: image.kernelArguments };
    this.registerOutputs({ imageName: this.imageName, disk: this.disk, rootDirectory: this.rootDirectory });
  }
}
