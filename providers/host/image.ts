import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Context } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { buildImage } from "./image/build.ts";
import { type ImageInputs, imageName, imageSchemas } from "./image/inputs.ts";
import { distributions } from "./image/recipe.ts";

/** An image that exists. */
export interface ImageOutputs {
  /** Its name, which its content determines. */
  name: string;
  architecture: "amd64" | "arm64";
  /** The account that may log in. */
  adminUser: string;
  /** The root file system as a folder; never written to. */
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

type ImageState = ImageInputs & ImageOutputs;
type ImageContext = Context<unknown>;

/**
 * `host:index:Image`: a system image built from distribution packages and baked by the Ansible roles. Its content determines its
 * name, and it is built only if the cache has none of that name. Deleting the resource keeps it in the cache, because a build
 * takes a minute and another stack may use it; remove its directory to free the space.
 */
export const image = resourceType<unknown, ImageInputs, ImageState>({
  token: "host:index:Image",
  inputs: imageSchemas,
  // The mirror changes where packages come from, not the packages.
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
