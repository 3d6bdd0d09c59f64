import type * as pulumi from "@pulumi/pulumi";

/** What a VM starts from. Without a kernel it boots from its disk. */
export interface BootImage {
  /** Path on libvirt's host of a qcow2 disk that is shared and never written. */
  readonly disk: pulumi.Output<string>;
  /** What it boots directly, with paths on libvirt's host. */
  readonly direct?: {
    readonly kernel: pulumi.Output<string>;
    readonly initrd: pulumi.Output<string>;
    /** Kernel command line. */
    readonly arguments: pulumi.Output<string>;
  };
}
