import type * as pulumi from "@pulumi/pulumi";

/** The image that VMs boot. Without `direct` they boot from the disk. */
export interface BootImage {
  /** Path on libvirt's host of a qcow2 disk, shared and read-only. */
  readonly disk: pulumi.Output<string>;
  /** Kernel and initrd for direct boot, with paths on libvirt's host. */
  readonly direct?: {
    readonly kernel: pulumi.Output<string>;
    readonly initrd: pulumi.Output<string>;
    /** Kernel command line. */
    readonly arguments: pulumi.Output<string>;
  };
}
