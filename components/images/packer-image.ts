import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import { cloudImages, type Download } from "../../versions/images.ts";
import type { BootImage } from "./boot-image.ts";
import { GoldenImage } from "./golden-image.ts";

export interface PackerImageArgs {
  /** Kind of machine that it is for; `packer/<kind>.pkrvars.hcl` lists its contents. */
  kind: "controller" | "compute";
  distribution: keyof typeof cloudImages;
  /** Image to start from: `cloud`, the distribution's cloud image in versions/images.ts; a download; or a golden image. */
  source: "cloud" | Download | GoldenImage;
  /** How the build VM runs. `auto`: with KVM if a trial guest boots with it, else emulated. */
  acceleration: pulumi.Input<"auto" | "kvm" | "tcg">;
  /** Folder that keeps images between runs, relative to the project's folder. Default: `.ai-how/cache`. */
  cacheDirectory?: pulumi.Input<string>;
  /** Variables of the roles that build it. Default: none. */
  roleVariables?: pulumi.Input<Record<string, string>>;
}

/** A system image that Packer builds: it boots another image and runs the roles in it. Its name follows from its content. */
export class PackerImage extends pulumi.ComponentResource implements BootImage {
  /** Name that follows from the content. */
  readonly imageName: pulumi.Output<string>;
  readonly disk: pulumi.Output<string>;
  readonly direct?: NonNullable<BootImage["direct"]>;

  constructor(name: string, args: PackerImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:PackerImage", name, {}, opts);
    const { kind, distribution, source } = args;
    const hypervisor = new host.Hypervisor(
      `${name}-hypervisor`,
      {
        acceleration: args.acceleration,
        ...(source instanceof GoldenImage && { kernel: source.direct.kernel }),
      },
      { parent: this },
    );
    const image = new host.PackerImage(
      `${name}-image`,
      {
        kind,
        distribution,
        source: source instanceof GoldenImage ? { image: builtImage(source) } : { cloud: downloads(args) },
        accelerator: hypervisor.domainType.apply((type) => (type === "kvm" ? "kvm" : "tcg")),
        cacheDirectory: args.cacheDirectory ?? ".ai-how/cache",
        ...(args.roleVariables !== undefined && { roleVariables: args.roleVariables }),
      },
      { parent: this },
    );
    this.imageName = image.name;
    this.disk = image.disk;
    if (source instanceof GoldenImage) {
      this.direct = { kernel: image.kernel, initrd: image.initrd, arguments: image.kernelArguments };
    }
    this.registerOutputs({ imageName: this.imageName, disk: this.disk });
  }
}

function builtImage({ imageName, disk, direct }: GoldenImage) {
  return {
    name: imageName,
    disk,
    kernel: direct.kernel,
    initrd: direct.initrd,
    kernelArguments: direct.arguments,
  };
}

/** Downloads by architecture; the provider picks the one of its host. */
function downloads({ distribution, source }: PackerImageArgs): Record<"amd64" | "arm64", Download> {
  if (source === "cloud" || source instanceof GoldenImage) return cloudImages[distribution];
  return { amd64: source, arm64: source };
}
