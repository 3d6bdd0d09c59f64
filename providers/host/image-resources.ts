import * as pulumi from "@pulumi/pulumi";

/** Arguments of an `Image`. */
export interface ImageArgs {
  /** The distribution that it installs. */
  distribution: pulumi.Input<"debian12" | "ubuntu2404">;
  /** Debian's name of the processor architecture. Default, and only choice: that of this host. */
  architecture?: pulumi.Input<"amd64" | "arm64" | undefined>;
  /** Packages besides those that the roles and booting need. Default none. */
  packages?: pulumi.Input<pulumi.Input<string>[] | undefined>;
  /** The account that may log in, with keys only, and become root. Default `admin`. */
  adminUser?: pulumi.Input<string | undefined>;
  /** Package mirror. Default: the host's own sources where it runs the same release, else the distribution's. */
  mirror?: pulumi.Input<string | undefined>;
  /** Where images and downloaded packages are kept; relative to the checkout. */
  cacheDirectory: pulumi.Input<string>;
  /** Any text; another one builds anew, for example for newer packages. Default empty. */
  edition?: pulumi.Input<string | undefined>;
  /** Variables of the roles that bake it; no secrets. Default none. */
  roleVariables?: pulumi.Input<Readonly<Record<string, string>> | undefined>;
}

/**
 * A system image, named by its content: built from packages and baked by the Ansible roles when there is none of that
 * name in the cache. Destroying it keeps it there.
 */
export class Image extends pulumi.CustomResource {
  /** Its name, which its content determines. */
  declare readonly name: pulumi.Output<string>;
  declare readonly distribution: pulumi.Output<"debian12" | "ubuntu2404">;
  declare readonly architecture: pulumi.Output<"amd64" | "arm64">;
  /** The account that may log in. */
  declare readonly adminUser: pulumi.Output<string>;
  /** The root file system as a directory; never to be written to. */
  declare readonly rootDirectory: pulumi.Output<string>;
  /** The same as a disk, qcow2, without partition table: an ext4 file system that grows with its disk. */
  declare readonly disk: pulumi.Output<string>;
  /** Kernel for direct boot. */
  declare readonly kernel: pulumi.Output<string>;
  /** Initial RAM disk for direct boot. */
  declare readonly initrd: pulumi.Output<string>;
  /** Kernel command line for direct boot, the disk being the first virtio block device. */
  declare readonly kernelArguments: pulumi.Output<string>;

  constructor(name: string, args: ImageArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      name: undefined,
      rootDirectory: undefined,
      disk: undefined,
      kernel: undefined,
      initrd: undefined,
      kernelArguments: undefined,
    };
    const defaults = { architecture: undefined, adminUser: undefined };
    super("host:index:Image", name, { ...defaults, ...args, ...outputs }, opts);
  }
}

/** Arguments of a `PackerImage`. */
export interface PackerImageArgs {
  /** Which machine it is for: `packer/<kind>.pkrvars.hcl` says what is baked. */
  kind: pulumi.Input<"controller" | "compute">;
  /** The distribution that is in `source`. */
  distribution: pulumi.Input<"debian12" | "ubuntu2404">;
  /** Debian's name of the processor architecture. Default, and only choice: that of this host. */
  architecture?: pulumi.Input<"amd64" | "arm64" | undefined>;
  /** What is booted and baked: a download for each architecture, or an image that was built here. */
  source: pulumi.Input<
    | { cloud: Record<"amd64" | "arm64", { url: string; checksum: string }> }
    | {
        image: pulumi.Input<{
          name: pulumi.Input<string>;
          disk: pulumi.Input<string>;
          kernel: pulumi.Input<string>;
          initrd: pulumi.Input<string>;
          kernelArguments: pulumi.Input<string>;
        }>;
      }
  >;
  /** The account that may log in, with keys only, and become root. Default `admin`. */
  adminUser?: pulumi.Input<string | undefined>;
  /** What runs the build. */
  accelerator: pulumi.Input<"kvm" | "tcg">;
  /** Where images are kept; relative to the checkout. */
  cacheDirectory: pulumi.Input<string>;
  /** Any text; another one builds anew, for example for newer packages. Default empty. */
  edition?: pulumi.Input<string | undefined>;
  /** Variables of the roles that bake it; no secrets. Default none. */
  roleVariables?: pulumi.Input<Readonly<Record<string, string>> | undefined>;
}

/** A system image that Packer makes of another one, named by its content. Destroying it keeps it in the cache. */
export class PackerImage extends pulumi.CustomResource {
  /** Its name, which its content determines. */
  declare readonly name: pulumi.Output<string>;
  /** The disk, qcow2. */
  declare readonly disk: pulumi.Output<string>;
  /** Kernel for direct boot; there is one only where `source` had one, as with the next two. */
  declare readonly kernel: pulumi.Output<string>;
  /** Initial RAM disk for direct boot. */
  declare readonly initrd: pulumi.Output<string>;
  /** Kernel command line for direct boot, the disk being the first virtio block device. */
  declare readonly kernelArguments: pulumi.Output<string>;

  constructor(name: string, args: PackerImageArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      name: undefined,
      disk: undefined,
      kernel: undefined,
      initrd: undefined,
      kernelArguments: undefined,
    };
    super("host:index:PackerImage", name, { ...args, ...outputs }, opts);
  }
}
