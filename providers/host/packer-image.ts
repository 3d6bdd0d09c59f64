import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Context } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { checkout } from "./image/recipe.ts";
import { buildPackerImage } from "./packer/build.ts";
import {
  isSameSource,
  type PackerImageInputs,
  packerImageName,
  packerImageSchemas,
} from "./packer/inputs.ts";
import { installPacker, packerLacks } from "./packer/installed.ts";

/** An image that exists. */
export interface PackerImageOutputs {
  /** Its name, which its content determines. */
  name: string;
  /** The disk, qcow2. */
  disk: string;
  /** Kernel for direct boot. Like the next two, present only where `source` has one: else the disk boots by itself. */
  kernel: string;
  /** Initial RAM disk for direct boot. */
  initrd: string;
  /** Kernel command line for direct boot, the disk being the first virtio block device. */
  kernelArguments: string;
}

type DirectBoot = "kernel" | "initrd" | "kernelArguments";
type PackerImageState = PackerImageInputs &
  Omit<PackerImageOutputs, DirectBoot> &
  Partial<Pick<PackerImageOutputs, DirectBoot>>;

/**
 * `host:index:PackerImage`: a system image made by Packer, which boots a disk image and bakes it by the Ansible roles over SSH,
 * as a running system (`host:index:Image` bakes in a chroot). Its content determines its name, and it is built only if the
 * cache has none of that name. Deleting the resource keeps it in the cache.
 */
export const packerImage = resourceType<unknown, PackerImageInputs, PackerImageState>({
  token: "host:index:PackerImage",
  inputs: packerImageSchemas,
  changes: {
    source: (was, is) => (isSameSource(was, is) ? "update" : "replace"),
    accelerator: "update",
  },
  deleteBeforeReplace: false,
  foresee: stateOf,
  identify: packerImageName,

  async create(inputs, building: Context<unknown>) {
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
  // An update does not change the content, so name and place stay.
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
