import * as kubernetes from "@pulumi/kubernetes/provider.js";
import type * as pulumi from "@pulumi/pulumi";
import { DevEnvironment } from "../components/workshop/dev-environment.ts";
import { DevImage } from "../components/workshop/dev-image.ts";
import { DockerHost } from "../components/docker/docker-host.ts";
import { Temporal } from "../components/workshop/temporal.ts";
import { TemporalOnKubernetes } from "../components/workshop/temporal-on-kubernetes.ts";
import type { DevEnvironmentSite, TemporalOnKubernetesSite, Workshop } from "../config/site.ts";
import { folderDigest } from "../config/folder-digest.ts";

/** Makes what people build and train with on the host itself; returns what the stack's outputs say of it. */
export function makeWorkshop(
  site: string,
  workshop: Workshop,
  dockerHost: string | undefined,
): pulumi.Inputs {
  const { environments, temporal: inContainers, temporalOnKubernetes: inCluster } = workshop;
  const onHost =
    environments.length > 0 || inContainers !== undefined ? byDocker(site, dockerHost) : undefined;
  const imageOf = imagesOf(site, workshop, onHost);
  const devEnvironments = environments.map((environment) => {
    const { projectId, uid, gid } = environment;
    const image = imageOf(environment);
    const made = new DevEnvironment(`${site}-dev-${projectId}`, { ...environment, image }, onHost);
    return { projectId, root: made.root, image: made.imageName, uid, gid };
  });
  const temporal =
    inCluster === undefined
      ? inContainers && new Temporal(`${site}-temporal`, { ...inContainers }, onHost)
      : makeTemporalInCluster(`${site}-temporal`, inCluster);
  return {
    devEnvironments,
    ...(temporal !== undefined && {
      temporal: { address: temporal.address, namespace: temporal.namespace, ui: temporal.ui },
    }),
  };
}

function byDocker(site: string, host: string | undefined): pulumi.ComponentResourceOptions {
  const { docker } = new DockerHost(`${site}-workshop`, host === undefined ? {} : { host });
  return { providers: [docker] };
}

function makeTemporalInCluster(name: string, site: TemporalOnKubernetesSite): TemporalOnKubernetes {
  const { kubeconfig, context, storageClass, chart, ...args } = site;
  const provider = new kubernetes.Provider(`${name}-kubernetes`, {
    kubeconfig,
    ...(context !== undefined && { context }),
  });
  return new TemporalOnKubernetes(
    name,
    { ...args, ...(storageClass !== undefined && { storageClass }), ...(chart !== undefined && { chart }) },
    { providers: [provider] },
  );
}

/** The image of an environment: one for each user, whose files it writes. */
function imagesOf(
  site: string,
  { baseImage }: Workshop,
  opts: pulumi.ComponentResourceOptions | undefined,
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
