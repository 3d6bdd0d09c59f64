import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments, problemUnless, wholeNumber } from "../arguments.ts";
import { inCheckout } from "../checkout.ts";
import { devImageArguments, devImageDigest, devImageRepository } from "../../versions/dev-container.ts";

export interface DevImageArgs {
  /** UID of the user in the container. */
  uid: number;
  /** GID of that user. */
  gid: number;
  /** Base image. Default: CUDA's, as in versions/dev-container.ts. */
  base?: string;
  /** Folder of the Dockerfile, relative to the project's folder. Default: `images/dev`. */
  context?: string;
  /** Digest of that folder's files. It and the build arguments determine the tag. */
  contentDigest: string;
  /** Platform, `linux/arm64`. Default: that of this machine. */
  platform?: string;
}

/** The image of development containers, built on their host. Its tag follows from its content. Destroying the stack keeps it. */
export class DevImage extends pulumi.ComponentResource {
  /** Name and tag; resolves once the image is built. */
  readonly imageName: pulumi.Output<string>;

  constructor(name: string, args: DevImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:workshop:DevImage", name, {}, opts);
    const { uid, gid, base, context = inCheckout("images/dev"), contentDigest, platform } = args;
    checkArguments(name, [
      ...wholeNumber("uid", uid, 0),
      ...wholeNumber("gid", gid, 0),
      ...problemUnless(base === undefined || /^\S+$/.test(base), "base", "is not an image reference"),
      ...problemUnless(contentDigest !== "", "contentDigest", "is empty; the tag follows from it"),
    ]);
    const buildArguments = devImageArguments({ uid, gid, base });
    const tag = devImageDigest(contentDigest, buildArguments, platform).slice(0, 12);
    const image = new docker.Image(
      `${name}-image`,
      {
        imageName: `${devImageRepository}:${tag}`,
        build: {
          context,
          dockerfile: `${context}/Dockerfile`,
          args: { ...buildArguments },
          builderVersion: docker.BuilderVersion.BuilderBuildKit,
          ...(platform !== undefined && { platform }),
        },
        // Only containers of this host use it.
        skipPush: true,
      },
      { parent: this },
    );
    this.imageName = image.imageName;
    this.registerOutputs({ imageName: this.imageName });
  }
}
