import { createHash } from "node:crypto";
import { join } from "node:path";
import type { PackerImageInputs, PackerSource } from "../packer-image.ts";
import { bakingFiles, checkout, filesDigest } from "../image/recipe.ts";

/** The folder of the template. */
export const template = join(checkout, "packer");

/** The values of one kind of image. */
export const variablesFile = (kind: string): string => join(template, `${kind}.pkrvars.hcl`);

/** Digest of the files that every image of Packer's is built from; the template says which Packer. */
export function packerRecipe(): string {
  return filesDigest([
    "packer/*.pkr.hcl",
    "packer/ansible-playbook",
    "packer/finish.sh",
    "images/golden/units.disabled",
    ...bakingFiles,
  ]);
}

/** Digest of what only images of one kind are built from. */
export function rolesDigest(kind: string): string {
  return filesDigest([`packer/${kind}.pkrvars.hcl`]);
}

/** `compute-debian12-amd64-0123456789ab`: the same inputs give the same name. */
export function packerImageName(inputs: PackerImageInputs): string {
  const { kind, distribution, architecture, adminUser, edition, roleVariables, recipe } = inputs;
  const source = contentOf(inputs.source);
  const variables = Object.entries(roleVariables).toSorted();
  const content = JSON.stringify([
    ...[kind, distribution, architecture, source, adminUser, edition, recipe],
    ...variables,
  ]);
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 12);
  return `${kind.name}-${distribution}-${architecture}-${digest}`;
}

/** True when two sources are the same bytes, wherever they come from. */
export function isSameSource(one: PackerSource, other: PackerSource): boolean {
  return JSON.stringify(contentOf(one)) === JSON.stringify(contentOf(other));
}

function contentOf(source: PackerSource): unknown {
  if ("image" in source) return source.image.name;
  const { amd64, arm64 } = source.cloud;
  return [amd64.checksum, arm64.checksum];
}
