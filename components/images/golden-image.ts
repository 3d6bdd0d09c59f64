import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import type { BootImage } from "./boot-image.ts";

export interface GoldenImageArgs {
  distribution: pulumi.Input<"debian12" | "ubuntu2404">;
  /** URL of the package mirror. Default: the host's own if it runs the same release, else the distribution's. */
  mirror?: pulumi.Input<string>;
  /** Packages to install besides those of every image. Default: none. */
  packages?: pulumi.Input<string[]>;
  /** Folder that keeps images and packages between runs, relative to the project's folder. Default: `.ai-how/cache`. */
  cacheDirectory?: pulumi.Input<string>;
  /** Variables of the roles that build it. Default: none. */
  roleVariables?: pulumi.Input<Record<string, string>>;
}

/**
 * A system image with all software that does not depend on the cluster. mmdebstrap builds it from packages, and the roles that
 * configure machines complete it. Its name follows from its content; it is rebuilt only when that changes.
 */
export class GoldenImage extends pulumi.ComponentResource implements BootImage {
  /** Name that follows from the content. */
  readonly imageName: pulumi.Output<string>;
  /** Folder of the root file system, for container nodes. */
  readonly rootDirectory: pulumi.Output<string>;
  /** qcow2 disk, for VMs. */
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
