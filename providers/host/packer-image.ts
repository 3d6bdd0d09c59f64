import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { Context } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { architectureOfHost, checkout } from "./image/recipe.ts";
import { buildPackerImage } from "./packer/build.ts";
import { installPacker, packerLacks } from "./packer/installed.ts";
import { isSameSource, packerImageName, packerRecipe, rolesDigest } from "./packer/recipe.ts";
import type { HostConfig } from "./provider.ts";

/** A disk image somewhere else. */
export interface Download {
  /** http, https or file. */
  url: string;
  /** `sha256:...` or `sha512:...` of the file. */
  checksum: string;
}

/** An image that was built here, with what boots it. */
export interface BuiltImage {
  /** Its name, which its content determines. */
  name: string;
  disk: string;
  kernel: string;
  initrd: string;
  kernelArguments: string;
}

/** What an image of Packer's begins with. */
export type PackerSource = { cloud: Record<"amd64" | "arm64", Download> } | { image: BuiltImage };

/** What an image of Packer's is made from. */
export interface PackerImageInputs {
  /** Which machine it is for, `packer/<name>.pkrvars.hcl`, and the digest of that file. A program gives the name. */
  kind: { name: "controller" | "compute"; roles: string };
  /** The distribution that is in `source`. */
  distribution: "debian12" | "ubuntu2404";
  /** Debian's name of the processor architecture; that of this host. */
  architecture: "amd64" | "arm64";
  /** What is booted and baked. */
  source: PackerSource;
  /** The account that may log in, with keys only, and become root. */
  adminUser: string;
  /** What runs the build. */
  accelerator: "kvm" | "tcg";
  /** Where images are kept; relative to the checkout. */
  cacheDirectory: string;
  /** Any text; another one builds anew, for example for newer packages. */
  edition: string;
  /** Variables of the roles that bake it; no secrets. */
  roleVariables: Record<string, string>;
  /** Digest of the files that every image is built from. Computed: a program does not set it. */
  recipe: string;
}

/** An image that exists. */
export interface PackerImageState extends PackerImageInputs {
  /** Its name, which its content determines. */
  name: string;
  /** The disk, qcow2. */
  disk: string;
  /** Kernel for direct boot; undefined: the disk boots by itself. */
  kernel?: string;
  initrd?: string;
  kernelArguments?: string;
}

const download = z.strictObject({
  url: z.url({ protocol: /^(https?|file)$/, error: "must be an http, https or file URL" }),
  checksum: z
    .string()
    .regex(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/, "must be sha256:... or sha512:..."),
});
const path = z.string().min(1);

/**
 * A system image that Packer makes: a disk image is booted and baked by the Ansible roles over SSH, as a machine with
 * a running system, which `host:index:Image` is not. Named by its content, built when there is none of that name in
 * the cache. Deleting the resource keeps it in the cache, as with `host:index:Image`.
 */
export const packerImage = resourceType<HostConfig, PackerImageInputs, PackerImageState>({
  token: "host:index:PackerImage",
  inputs: {
    kind: z
      .enum(["controller", "compute"])
      // What is read at each check makes a changed file a changed input.
      .transform((name) => ({ name, roles: rolesDigest(name) })),
    distribution: z.enum(["debian12", "ubuntu2404"]),
    architecture: z
      .enum(["amd64", "arm64"])
      .default(architectureOfHost)
      .refine((wanted) => wanted === architectureOfHost(), "must be that of this host: no other is emulated"),
    source: z.union([
      z.strictObject({ cloud: z.strictObject({ amd64: download, arm64: download }) }),
      z.strictObject({
        image: z.strictObject({
          name: path,
          disk: path,
          kernel: path,
          initrd: path,
          kernelArguments: z.string(),
        }),
      }),
    ]),
    adminUser: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be the name of an account")
      .default("admin"),
    accelerator: z.enum(["kvm", "tcg"]),
    cacheDirectory: path,
    edition: z.string().default(""),
    roleVariables: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), z.string()).default({}),
    recipe: z.string().default(packerRecipe),
  },
  changes: {
    source: (was, is) => (isSameSource(was, is) ? "update" : "replace"),
    accelerator: "update",
  },
  deleteBeforeReplace: false,
  foresee: stateOf,
  identify: packerImageName,

  async create(inputs, building: Context<HostConfig>) {
    const state = stateOf(inputs);
    if (!existsSync(directoryOf(inputs))) {
      const lacking = await packerLacks();
      if (lacking !== undefined)
        throw new ProviderError(`image.builder: packer: ${lacking}; ${installPacker}`);
      if (process.getuid?.() !== 0) {
        throw new ProviderError(
          "building an image needs root, for namespaces that end with the build: run this with sudo",
        );
      }
      await buildPackerImage(inputs, state.name, cacheOf(inputs), building);
    }
    return { id: state.name, inputs, state };
  },

  read: (id, last) =>
    Promise.resolve(last !== undefined && existsSync(last.state.disk) ? { id, ...last } : undefined),
  // Its content stays the same, and so do its name and its place.
  update: (id, was, inputs) => Promise.resolve({ id, inputs, state: { ...was.state, ...inputs } }),
  delete: () => Promise.resolve(),
});

function stateOf(inputs: PackerImageInputs): PackerImageState {
  const directory = directoryOf(inputs);
  return {
    ...inputs,
    name: packerImageName(inputs),
    disk: join(directory, "disk.qcow2"),
    ...("image" in inputs.source && {
      kernel: join(directory, "vmlinuz"),
      initrd: join(directory, "initrd.img"),
      kernelArguments: inputs.source.image.kernelArguments,
    }),
  };
}

function directoryOf(inputs: PackerImageInputs): string {
  return join(cacheOf(inputs), "images", packerImageName(inputs));
}

function cacheOf(inputs: PackerImageInputs): string {
  return resolve(checkout, inputs.cacheDirectory);
}
