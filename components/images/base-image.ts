import * as pulumi from "@pulumi/pulumi";
import * as libvirt from "../../providers/libvirt/resources.ts";
import type { BootImage } from "./boot-image.ts";

export { fileDigest } from "../../providers/host/resources.ts";

export interface BaseImageArgs {
  /** libvirt's storage pool for the copy. */
  pool: pulumi.Input<string>;
  /** Begins the names of its files in the pool, `lab-base`. */
  fileName: pulumi.Input<string>;
  /** What tells its content apart, as part of a file name: another content is another file. */
  content: pulumi.Input<string>;
  /** A qcow2 image on this host, with an absolute path. */
  disk: pulumi.Input<string>;
  /** SHA-256 of `disk` in hexadecimal digits. Default: `content` says enough. */
  digest?: pulumi.Input<string>;
  /** What its machines boot directly, with paths on this host. Default: they boot from the disk. */
  direct?: NonNullable<BootImage["direct"]>;
}

/**
 * An image in a storage pool, copied there once for all machines that start from it. A changed image is a new file beside the old
 * one, which stays as long as a machine's disk lies on it.
 */
export class BaseImage extends pulumi.ComponentResource implements BootImage {
  readonly disk: pulumi.Output<string>;
  readonly direct?: NonNullable<BootImage["direct"]>;

  constructor(name: string, args: BaseImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:BaseImage", name, {}, opts);
    const { pool, fileName, direct } = args;
    const copy = (
      part: string,
      ending: string,
      source: Omit<libvirt.VolumeArgs, "pool" | "name">,
    ): pulumi.Output<string> =>
      new libvirt.Volume(
        `${name}-${part}`,
        { pool, name: pulumi.interpolate`${fileName}-${args.content}${ending}`, ...source },
        // Were the old one to go first, Pulumi would take the disks on it along.
        { parent: this, deleteBeforeReplace: false },
      ).path;
    this.disk = copy("copy", ".qcow2", {
      format: "qcow2",
      source: args.disk,
      ...(args.digest !== undefined && { sourceDigest: args.digest }),
    });
    if (direct !== undefined)
      this.direct = {
        kernel: copy("kernel", ".vmlinuz", { format: "raw", source: direct.kernel }),
        initrd: copy("initrd", ".initrd", { format: "raw", source: direct.initrd }),
        arguments: direct.arguments,
      };
    this.registerOutputs({ disk: this.disk });
  }
}
