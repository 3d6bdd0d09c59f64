import { reveal, type Values } from "../../wire/values.ts";
import { leaves, type Leaf, type Resource } from "../resource.ts";
import type { ResourceRule } from "../rule.ts";

/** Unpinned content changes over time: `up` is not repeatable, and a rollback does not restore the old content. */
export const pinned: ResourceRule = {
  name: "pinned",
  description: "Images, charts and manifests are pinned to one version.",
  scope: "resource",
  check(resource) {
    return [
      ...[...leaves(resource.properties)].flatMap((leaf) => leafProblems(resource, leaf)),
      ...(HELM.test(resource.type) ? chartProblems(resource.properties) : []),
    ];
  },
};

const HELM = /^kubernetes:helm\.sh\/v[34]:(Chart|Release)$/;
const MANIFEST = /^kubernetes:(yaml|yaml\/v2|kustomize|kustomize\/v2):/;
// Many kinds of objects contain pods, including those of operators.
const POD_IMAGE = /(^|\.)((init|ephemeral)?[cC]ontainers\[\d+\]\.image|volumes\[\d+\]\.image\.reference)$/;
const DOCKER_IMAGE: Readonly<Record<string, RegExp>> = {
  "docker:index/container:Container": /^image$/,
  "docker:index/remoteImage:RemoteImage": /^name$/,
  "docker:index/service:Service": /\.containerSpec\.image$/,
};

function leafProblems({ type, properties }: Resource, { path, value }: Leaf): string[] {
  if (typeof value !== "string") return [];
  if (type === "libvirt:index:Volume" && path === "source") {
    return properties.sourceDigest === undefined ? problemsAt(path, imageFile(value)) : [];
  }
  if (DOCKER_IMAGE[type]?.test(path) === true) return problemsAt(path, containerImage(value));
  if (type.startsWith("kubernetes:") && POD_IMAGE.test(path)) return problemsAt(path, containerImage(value));
  if (MANIFEST.test(type) && /^https?:/.test(value)) return problemsAt(path, manifest(value));
  return [];
}

function problemsAt(path: string, problem: string | undefined): string[] {
  return problem === undefined ? [] : [`${path}: ${problem}`];
}

const DIGEST = /(^|@)sha256:[0-9a-f]{64}$/;
// Tags that move to each new image.
const MOVING = /^(latest|nightly|edge|stable|canary|rolling)\b/;

function containerImage(reference: string): string | undefined {
  if (DIGEST.test(reference)) return undefined;
  const tag = /:([^/:@]+)$/.exec(reference)?.[1];
  if (tag === undefined) return `${reference} has no tag, which means \`latest\`; add a version or digest`;
  // Versions contain a digit; tags such as `lts` and `bookworm` move.
  return MOVING.test(tag) || !/\d/.test(tag)
    ? `the tag of ${reference} moves; use a version or digest`
    : undefined;
}

function imageFile(path: string): string | undefined {
  // A digest in the name, as of golden images: `debian12-amd64-98c3b5eb4af1/disk.qcow2`.
  return /(^|[^0-9a-z])[0-9a-f]{12,64}([^0-9a-z]|$)/i.test(path)
    ? undefined
    : `${path} has no digest in its name, so its content may change unnoticed; ` +
        "set `sourceDigest` to its SHA-256, or add the first 12 digits of it to the file name";
}

const VERSION = /^v?\d+\.\d+\.\d+([-+][\w.+-]+)?$/;

function chartProblems(properties: Values): string[] {
  const [chart, version] = [properties.chart ?? "", properties.version ?? ""].map(reveal);
  if (typeof chart !== "string" || typeof version !== "string") return [];
  // A folder of the project is pinned by its commit, and an archive by the version in its name.
  if (/^[./]/.test(chart) || /-\d+\.\d+\.\d+[^/]*\.tgz$/.test(chart) || DIGEST.test(chart)) return [];
  if (VERSION.test(version)) return [];
  return [
    version === ""
      ? `version: the chart ${chart} has none, which means the newest; set one`
      : `version: ${version} of the chart ${chart} is a range; set one version`,
  ];
}

function manifest(address: string): string | undefined {
  const hasVersion = /v?\d+\.\d+(\.\d+)?|[0-9a-f]{40}/.test(new URL(address).pathname);
  return hasVersion && !address.includes("/latest/")
    ? undefined
    : `${address} has no version; use the URL of a release or a commit`;
}
