import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments, problemUnless, wholeNumber } from "../arguments.ts";
import { inCheckout } from "../checkout.ts";
import { devImageArguments, devImageDigest, devImageRepository } from "../../versions/dev-container.ts";

export interface DevImageArgs {
  /** Number of the user whose files the container writes. */
  uid: number;
  /** Number of that user's group. */
  gid: number;
  /** Image to build on. Default: CUDA's, as in versions/dev-container.ts. */
  base?: string;
  /** Folder of the Dockerfile and all that it takes, below the project's. Default `images/dev`. */
  context?: string;
  /** Digest of the files of that folder: they and the build arguments make the image. */
  contentDigest: string;
  /** `linux/arm64`. Default: that of the machine that runs the program. */
  platform?: string;
}

/** The image of development containers, built where they run, with a tag that says what is in it. It stays when the stack goes. */
export class DevImage extends pulumi.ComponentResource {
  /** Name and tag, once it is there. */
  readonly imageName: pulumi.Output<string>;

  constructor(name: string, args: DevImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:workshop:DevImage", name, {}, opts);
    const { uid, gid, base, context = inCheckout("images/dev"), contentDigest, platform } = args;
    checkArguments(name, [
      ...wholeNumber("uid", uid, 0),
      ...wholeNumber("gid", gid, 0),
      ...problemUnless(base === undefined || /^\S+$/.test(base), "base", "is no name of an image"),
      ...problemUnless(contentDigest !== "", "contentDigest", "is empty: each build would have the same tag"),
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
        // It is for containers of the same host.
        skipPush: true,
      },
      { parent: this },
    );
    this.imageName = image.imageName;
    this.registerOutputs({ imageName: this.imageName });
  }
}
