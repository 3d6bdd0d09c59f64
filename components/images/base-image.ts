import * as pulumi from "@pulumi/pulumi";
import * as libvirt from "../../providers/libvirt/resources.ts";
import type { BootImage } from "./boot-image.ts";

export { fileDigest } from "../../providers/host/resources.ts";

export interface BaseImageArgs {
  /** Name of the storage pool for the copy. */
  pool: pulumi.Input<string>;
  /** Prefix of its file names in the pool, `lab-base`. */
  fileName: pulumi.Input<string>;
  /** Identifies the content, as part of the file names: changed content gets new files. */
  content: pulumi.Input<string>;
  /** Absolute path of a qcow2 image on this host. */
  disk: pulumi.Input<string>;
  /** SHA-256 of `disk`, in hexadecimal. Default: `content` alone identifies it. */
  digest?: pulumi.Input<string>;
  /** Kernel and initrd for direct boot, with paths on this host. Default: boot from the disk. */
  direct?: NonNullable<BootImage["direct"]>;
}

/**
 * An image in a storage pool: one copy is the backing file of all machines' disks. A changed image becomes a new file; the old
 * one stays as long as a disk is based on it.
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
        // Deleting the old file first would make Pulumi delete the disks that depend on it.
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
