import { join } from "node:path";
import { bakingFiles, checkout, filesDigest } from "../image/recipe.ts";

/** The folder of the template. */
export const template = join(checkout, "packer");

/** File with the variables of one kind of image. */
export const variablesFile = (kind: string): string => join(template, `${kind}.pkrvars.hcl`);

/** Digest of the files that every Packer image is built from; the template pins Packer's version. */
export function packerRecipe(): string {
  return filesDigest([
    "packer/*.pkr.hcl",
    "packer/ansible-playbook",
    "packer/finish.sh",
    "images/golden/units.disabled",
    ...bakingFiles,
  ]);
}

/** Digest of the file that only images of one kind are built from. */
export function rolesDigest(kind: string): string {
  return filesDigest([`packer/${kind}.pkrvars.hcl`]);
}
