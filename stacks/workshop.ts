import type * as pulumi from "@pulumi/pulumi";
import { DevEnvironment } from "../components/workshop/dev-environment.ts";
import { DevImage } from "../components/workshop/dev-image.ts";
import { DockerHost } from "../components/workshop/docker-host.ts";
import { Temporal } from "../components/workshop/temporal.ts";
import type { DevEnvironmentSite, Workshop } from "../config/site.ts";
import { folderDigest } from "../config/folder-digest.ts";

/** Makes what people build and train with on the host itself; returns what the stack's outputs say of it. */
export function makeWorkshop(
  site: string,
  workshop: Workshop,
  dockerHost: string | undefined,
): pulumi.Inputs {
  const host = new DockerHost(`${site}-workshop`, dockerHost === undefined ? {} : { host: dockerHost });
  const onHost = { providers: [host.docker] };
  const imageOf = imagesOf(site, workshop, onHost);
  const devEnvironments = workshop.environments.map((environment) => {
    const { projectId, uid, gid } = environment;
    const image = imageOf(environment);
    const made = new DevEnvironment(`${site}-dev-${projectId}`, { ...environment, image }, onHost);
    return { projectId, root: made.root, image: made.imageName, uid, gid };
  });
  const temporal = workshop.temporal && new Temporal(`${site}-temporal`, { ...workshop.temporal }, onHost);
  return {
    devEnvironments,
    ...(temporal !== undefined && {
      temporal: { address: temporal.address, namespace: temporal.namespace, ui: temporal.ui },
    }),
  };
}

/** The image of an environment: one for each user, whose files it writes. */
function imagesOf(
  site: string,
  { baseImage }: Workshop,
  opts: pulumi.ComponentResourceOptions,
): (environment: DevEnvironmentSite) => DevImage {
  const made = new Map<string, DevImage>();
  return ({ uid, gid }) => {
    const name = `${site}-dev-image-${uid}-${gid}`;
    const found = made.get(name) ?? new DevImage(name, imageArgs({ uid, gid }, baseImage), opts);
    made.set(name, found);
    return found;
  };
}

function imageArgs(owner: { readonly uid: number; readonly gid: number }, base: string | undefined) {
  const context = "images/dev";
  return { ...owner, context, contentDigest: folderDigest(context), ...(base !== undefined && { base }) };
}
