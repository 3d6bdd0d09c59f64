import { createHash } from "node:crypto";
import { z } from "zod";
import type { InputsOf } from "../../framework/resource.ts";
import { architectureOfHost } from "../image/recipe.ts";
import { packerRecipe, rolesDigest } from "./recipe.ts";

const download = z.strictObject({
  /** http, https or file. */
  url: z.url({ protocol: /^(https?|file)$/, error: "must be an http, https or file URL" }),
  /** `sha256:...` or `sha512:...` of the file. */
  checksum: z
    .string()
    .regex(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/, "must be sha256:... or sha512:..."),
});
const path = z.string().min(1);

const source = z.union([
  z.strictObject({ cloud: z.strictObject({ amd64: download, arm64: download }) }),
  z.strictObject({
    image: z.strictObject({
      /** Its name, which its content determines. */
      name: path,
      disk: path,
      kernel: path,
      initrd: path,
      kernelArguments: z.string(),
    }),
  }),
]);

export const packerImageSchemas = {
  /** Which machine it is for: `packer/<kind>.pkrvars.hcl` says what is baked. */
  kind: z
    .enum(["controller", "compute"])
    // Read at each check: a changed file is a changed input.
    .transform((name) => ({ name, roles: rolesDigest(name) })),
  /** The distribution that is in `source`. */
  distribution: z.enum(["debian12", "ubuntu2404"]),
  /** Debian's name of the processor architecture. Default, and only choice: that of this host. */
  architecture: z
    .enum(["amd64", "arm64"])
    .default(architectureOfHost)
    .refine((wanted) => wanted === architectureOfHost(), "must be that of this host: no other is emulated"),
  /** What is booted and baked: a download for each architecture, or an image that was built here. */
  source,
  /** The account that may log in, with keys only, and become root. Default `admin`. */
  adminUser: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be the name of an account")
    .default("admin"),
  /** What runs the build. */
  accelerator: z.enum(["kvm", "tcg"]),
  /** Folder of images; relative to the checkout. */
  cacheDirectory: path,
  /** Any text; another text builds anew, for example for newer packages. Default empty. */
  edition: z.string().default(""),
  /** Variables of the roles that bake it; no secrets. Default none. */
  roleVariables: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), z.string()).default({}),
  /** Digest of the files that every image is built from. The default is computed at each check. */
  recipe: z.string().default(packerRecipe),
};

/** What an image of Packer's is made from. */
export type PackerImageInputs = InputsOf<typeof packerImageSchemas>;

type PackerSource = z.output<typeof source>;

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
