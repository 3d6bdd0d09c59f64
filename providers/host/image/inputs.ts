import { createHash } from "node:crypto";
import { z } from "zod";
import type { InputsOf } from "../../framework/resource.ts";
import { architectureOfHost, recipeDigest } from "./recipe.ts";

export const imageSchemas = {
  /** The distribution that it installs. */
  distribution: z.enum(["debian12", "ubuntu2404"]),
  /** Debian's name of the processor architecture. Default, and only choice: that of this host. */
  architecture: z
    .enum(["amd64", "arm64"])
    .default(architectureOfHost)
    .refine(
      (wanted) => wanted === architectureOfHost(),
      "must be that of this host: nothing is emulated while building",
    ),
  /** Packages besides those that the roles and booting need. Default none. */
  packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, "must be the name of a package")).default([]),
  /** The account that may log in, with keys only, and become root. Default `admin`. */
  adminUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be the name of an account")
    .default("admin"),
  /**
   * Package mirror, `http://deb.debian.org/debian`. Default: the host's own sources where it runs the same release, else
   * the distribution's.
   */
  mirror: z.url({ protocol: /^https?$/ }).optional(),
  /** Folder of images and downloaded packages; relative to the checkout. */
  cacheDirectory: z.string().min(1),
  /** Any text; another text builds anew, for example for newer packages. Default empty. */
  edition: z.string().default(""),
  /** Variables of the roles that bake it; no secrets. Default none. */
  roleVariables: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), z.string()).default({}),
  /** Digest of the files that it is built from. The default is computed at each check: a changed role is a changed input. */
  recipe: z.string().default(recipeDigest),
};

/** What an image is made from. */
export type ImageInputs = InputsOf<typeof imageSchemas>;

/** `debian12-amd64-0123456789ab`: the same inputs give the same name. */
export function imageName(inputs: ImageInputs): string {
  const { distribution, architecture, packages, adminUser, edition, roleVariables, recipe } = inputs;
  const content = JSON.stringify([
    distribution,
    architecture,
    [...packages].sort(),
    adminUser,
    edition,
    recipe,
    ...Object.entries(roleVariables).toSorted(),
  ]);
  return `${distribution}-${architecture}-${createHash("sha256").update(content).digest("hex").slice(0, 12)}`;
}
