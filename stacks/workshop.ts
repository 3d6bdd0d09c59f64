import * as kubernetes from "@pulumi/kubernetes/provider.js";
import type * as pulumi from "@pulumi/pulumi";
import { DevEnvironment } from "../components/workshop/dev-environment.ts";
import { DevImage } from "../components/workshop/dev-image.ts";
import { DockerHost } from "../components/docker/docker-host.ts";
import { Temporal } from "../components/workshop/temporal.ts";
import { TemporalOnKubernetes } from "../components/workshop/temporal-on-kubernetes.ts";
import type { DevEnvironmentSite, Workshop } from "../config/site.ts";
import { folderDigest } from "../config/folder-digest.ts";

/** Makes the workshop's services on the host; returns the stack's outputs of them. */
export function makeWorkshop(
  site: string,
  workshop: Workshop,
  dockerHost: string | undefined,
): pulumi.Inputs {
  const docker = lazy(() => byDocker(site, dockerHost));
  const imageOf = imagesOf(site, workshop, docker);
  const devEnvironments = workshop.devEnvironments.map((environment) => {
    const { projectId, uid, gid } = environment;
    const image = imageOf(environment);
    const made = new DevEnvironment(`${site}-dev-${projectId}`, { ...environment, image }, docker());
    return { projectId, root: made.root, image: made.imageName, uid, gid };
  });
  const temporal: Pick<Temporal, "address" | "namespace" | "ui"> | undefined =
    (workshop.temporal && new Temporal(`${site}-temporal`, workshop.temporal, docker())) ??
    (workshop.temporalOnKubernetes &&
      makeTemporalInCluster(`${site}-temporal`, workshop.temporalOnKubernetes));
  const services = {};
  return {
    devEnvironments,
    ...(temporal !== undefined && {
      temporal: { address: temporal.address, namespace: temporal.namespace, ui: temporal.ui },
    }),
    ...servicesOutput(services),
  };
}

/** The outputs of services by their keys in the cluster file; services that the file leaves out are undefined. */
function servicesOutput(services: Readonly<Record<string, ServiceAddress | undefined>>): pulumi.Inputs {
  const there = Object.entries(services).flatMap(([key, service]) =>
    service === undefined ? [] : [[key, { address: service.address }] as const],
  );
  return there.length === 0 ? {} : { services: Object.fromEntries(there) };
}

interface ServiceAddress {
  readonly address: pulumi.Input<string>;
}

/** Calls `make` at the first use and keeps the result: a file without containers needs no Docker. */
function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function byDocker(site: string, host: string | undefined): pulumi.ComponentResourceOptions {
  const { docker } = new DockerHost(`${site}-workshop`, host === undefined ? {} : { host });
  return { providers: [docker] };
}

function makeTemporalInCluster(
  name: string,
  { kubeconfig, context, ...args }: NonNullable<Workshop["temporalOnKubernetes"]>,
): TemporalOnKubernetes {
  const provider = new kubernetes.Provider(`${name}-kubernetes`, {
    kubeconfig,
    ...(context !== undefined && { context }),
  });
  return new TemporalOnKubernetes(name, args, { providers: [provider] });
}

/** Returns a function that gives the image of an environment, and makes one image for each UID and GID. */
function imagesOf(
  site: string,
  { baseImage }: Workshop,
  docker: () => pulumi.ComponentResourceOptions,
): (environment: DevEnvironmentSite) => DevImage {
  const made = new Map<string, DevImage>();
  return ({ uid, gid }) => {
    const name = `${site}-dev-image-${uid}-${gid}`;
    const found = made.get(name) ?? new DevImage(name, imageArgs({ uid, gid }, baseImage), docker());
    made.set(name, found);
    return found;
  };
}

function imageArgs(owner: { readonly uid: number; readonly gid: number }, base: string | undefined) {
  const context = "images/dev";
  return { ...owner, context, contentDigest: folderDigest(context), ...(base !== undefined && { base }) };
}
