import { reveal, type Values } from "../../wire/values.ts";
import { leaves, type Leaf, type Resource } from "../resource.ts";
import type { ResourceRule } from "../rule.ts";

/** What is not pinned is another thing tomorrow: a second `up` cannot repeat the first, nor a rollback undo it. */
export const pinned: ResourceRule = {
  name: "pinned",
  description: "Images, charts and manifests are of one version.",
  scope: "resource",
  check(resource) {
    return [
      ...[...leaves(resource.properties)].flatMap((leaf) => ofLeaf(resource, leaf)),
      ...(HELM.test(resource.type) ? ofChart(resource.properties) : []),
    ];
  },
};

const HELM = /^kubernetes:helm\.sh\/v[34]:(Chart|Release)$/;
const MANIFEST = /^kubernetes:(yaml|yaml\/v2|kustomize|kustomize\/v2):/;
// Pods are in many kinds of objects, those of operators included.
const POD_IMAGE = /(^|\.)((init|ephemeral)?[cC]ontainers\[\d+\]\.image|volumes\[\d+\]\.image\.reference)$/;
const DOCKER_IMAGE: Readonly<Record<string, RegExp>> = {
  "docker:index/container:Container": /^image$/,
  "docker:index/remoteImage:RemoteImage": /^name$/,
  "docker:index/service:Service": /\.containerSpec\.image$/,
};

function ofLeaf({ type, properties }: Resource, { path, value }: Leaf): string[] {
  if (typeof value !== "string") return [];
  if (type === "libvirt:index:Volume" && path === "source") {
    return properties.sourceDigest === undefined ? told(path, imageFile(value)) : [];
  }
  if (DOCKER_IMAGE[type]?.test(path) === true) return told(path, containerImage(value));
  if (type.startsWith("kubernetes:") && POD_IMAGE.test(path)) return told(path, containerImage(value));
  if (MANIFEST.test(type) && /^https?:/.test(value)) return told(path, manifest(value));
  return [];
}

function told(path: string, problem: string | undefined): string[] {
  return problem === undefined ? [] : [`${path}: ${problem}`];
}

const DIGEST = /(^|@)sha256:[0-9a-f]{64}$/;
// Tags that are given to another image whenever there is one.
const MOVING = /^(latest|nightly|edge|stable|canary|rolling)\b/;

function containerImage(reference: string): string | undefined {
  if (DIGEST.test(reference)) return undefined;
  const tag = /:([^/:@]+)$/.exec(reference)?.[1];
  if (tag === undefined) return `${reference} has no tag, which means \`latest\`; name a version or a digest`;
  // A version has a number in it; `lts` or `bookworm` is what somebody thinks best this week.
  return MOVING.test(tag) || !/\d/.test(tag)
    ? `the tag of ${reference} moves; name a version or a digest`
    : undefined;
}

function imageFile(path: string): string | undefined {
  // As golden images have it: `debian12-amd64-98c3b5eb4af1/disk.qcow2`.
  return /(^|[^0-9a-z])[0-9a-f]{12,64}([^0-9a-z]|$)/i.test(path)
    ? undefined
    : `the name of ${path} says nothing of its content, which may change unseen; ` +
        "give `sourceDigest`, its SHA-256, or put the first 12 digits of that into the file's name";
}

const VERSION = /^v?\d+\.\d+\.\d+([-+][\w.+-]+)?$/;

function ofChart(properties: Values): string[] {
  const [chart, version] = [properties.chart ?? "", properties.version ?? ""].map(reveal);
  if (typeof chart !== "string" || typeof version !== "string") return [];
  // A folder or an archive of the project's own is as pinned as the project.
  if (/^[./]/.test(chart) || /-\d+\.\d+\.\d+[^/]*\.tgz$/.test(chart) || DIGEST.test(chart)) return [];
  if (VERSION.test(version)) return [];
  return [
    version === ""
      ? `version: the chart ${chart} has none, which means its newest; name one`
      : `version: ${version} of the chart ${chart} is a range; name one version`,
  ];
}

function manifest(address: string): string | undefined {
  const ofOneVersion = /v?\d+\.\d+(\.\d+)?|[0-9a-f]{40}/.test(new URL(address).pathname);
  return ofOneVersion && !address.includes("/latest/")
    ? undefined
    : `${address} is of no version; take it from a release's tag or a commit`;
}
