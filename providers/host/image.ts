import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { Context } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { buildImage } from "./image/build.ts";
import { architectureOfHost, distributions, imageName, recipeDigest } from "./image/recipe.ts";
import type { HostConfig } from "./provider.ts";

/** What an image is made from. */
export interface ImageInputs {
  /** The distribution that it installs. */
  distribution: "debian12" | "ubuntu2404";
  /** Debian's name of the processor architecture; that of this host, as nothing is emulated while building. */
  architecture: "amd64" | "arm64";
  /** Packages besides those that the roles and booting need. */
  packages: string[];
  /** The account that may log in, with keys only, and become root. */
  adminUser: string;
  /** Package mirror, `http://deb.debian.org/debian`; the host's own sources where it runs the same release. */
  mirror?: string | undefined;
  /** Where images and downloaded packages are kept; relative to the checkout. */
  cacheDirectory: string;
  /** Any text; another one builds anew, for example for newer packages. */
  edition: string;
  /** Variables of the roles that bake it; no secrets. */
  roleVariables: Record<string, string>;
  /** Digest of the files that it is built from. Computed: a program does not set it. */
  recipe: string;
}

/** An image that exists. */
export interface ImageState extends ImageInputs {
  /** Its name, which its content determines. */
  name: string;
  /** The root file system as a directory; never to be written to. */
  rootDirectory: string;
  /** The same as a disk, qcow2, without partition table: an ext4 file system that grows with its disk. */
  disk: string;
  /** Kernel for direct boot. */
  kernel: string;
  /** Initial RAM disk for direct boot. */
  initrd: string;
  /** Kernel command line for direct boot, the disk being the first virtio block device. */
  kernelArguments: string;
}

type ImageContext = Context<HostConfig>;

/**
 * A system image built from distribution packages and baked by the Ansible roles. Named by its content: it is built
 * when there is none of that name in the cache, and otherwise there at once. Deleting the resource keeps it in the
 * cache, as building costs a minute and another stack may use it; whoever wants the space removes the directory.
 */
export const image = resourceType<HostConfig, ImageInputs, ImageState>({
  token: "host:index:Image",
  inputs: {
    distribution: z.enum(["debian12", "ubuntu2404"]),
    architecture: z
      .enum(["amd64", "arm64"])
      .default(architectureOfHost)
      .refine(
        (wanted) => wanted === architectureOfHost(),
        "must be that of this host: nothing is emulated while building",
      ),
    packages: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, "must be the name of a package"))
      .default([]),
    adminUser: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be the name of an account")
      .default("admin"),
    mirror: z.url({ protocol: /^https?$/ }).optional(),
    cacheDirectory: z.string().min(1),
    edition: z.string().default(""),
    roleVariables: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), z.string()).default({}),
    // A default is computed at each check, so a changed role is a changed input.
    recipe: z.string().default(recipeDigest),
  },
  // The mirror says where packages come from, not which.
  changes: { mirror: "update" },
  deleteBeforeReplace: false,
  foresee: stateOf,
  identify: imageName,

  async create(inputs, building: ImageContext) {
    const state = stateOf(inputs);
    if (!existsSync(directoryOf(inputs))) {
      if (process.getuid?.() !== 0) {
        throw new ProviderError("building an image needs root, for chroot and mounts: run this with sudo");
      }
      await buildImage(inputs, state.name, cacheOf(inputs), building);
    }
    return { id: state.name, inputs, state };
  },

  read(id, last) {
    const there = last !== undefined && existsSync(last.state.rootDirectory) && existsSync(last.state.disk);
    return Promise.resolve(there ? { id, ...last } : undefined);
  },
  update: (id, _was, inputs) => Promise.resolve({ id, inputs, state: stateOf(inputs) }),
  delete: () => Promise.resolve(),
});

function stateOf(inputs: ImageInputs): ImageState {
  const directory = directoryOf(inputs);
  return {
    ...inputs,
    name: imageName(inputs),
    rootDirectory: join(directory, "root"),
    disk: join(directory, "disk.qcow2"),
    kernel: join(directory, "vmlinuz"),
    initrd: join(directory, "initrd.img"),
    kernelArguments: distributions[inputs.distribution].kernelArguments[inputs.architecture],
  };
}

function directoryOf(inputs: ImageInputs): string {
  return join(cacheOf(inputs), "images", imageName(inputs));
}

function cacheOf(inputs: ImageInputs): string {
  return resolve(import.meta.dirname, "..", "..", inputs.cacheDirectory);
}
