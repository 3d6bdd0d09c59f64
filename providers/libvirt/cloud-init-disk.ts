import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Context, InputsOf } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { makeSeedDisk } from "../framework/seed-disk.ts";
import { nameSchema, volumeNameSchema } from "./schemas.ts";
import { connect, type LibvirtConfig, whileReachable, withTemporaryDirectory } from "./virsh.ts";
import {
  createVolume,
  deleteVolume,
  fileSize,
  findVolume,
  isInactivePool,
  parseVolumeId,
  uploadVolume,
  volumeId,
} from "./volume-files.ts";
import { claimVolume, createClaimed, isClaimed, removeClaimed } from "./volume-mark.ts";

const filesSchema = z.record(
  z.string().regex(/^[a-z][a-z.-]*(\/[a-z][a-z.-]*)*$/, "is no path on a disk"),
  z.string(),
);

export const cloudInitDiskSchemas = {
  /** Name of the pool. */
  pool: nameSchema,
  /** File name in the pool. */
  name: volumeNameSchema,
  /** cloud-init's user-data; secret. */
  userData: z.string(),
  /** cloud-init's meta-data, with `instance-id` and `local-hostname`; secret. */
  metaData: z.string(),
  /** cloud-init's network-config; none by default, then cloud-init uses DHCP. Secret. */
  networkConfig: z.string().optional(),
  /** Other files by their paths on the disk, which cloud-init ignores; none by default. */
  files: filesSchema.optional(),
  /** The same for files that are secret. */
  secretFiles: filesSchema.optional(),
};

/** A cloud-init disk that exists. */
export interface CloudInitDiskOutputs {
  /** The file's path on libvirt's host. */
  path: string;
  /** A random UUID made with the disk: another one whenever the disk is made again. */
  generation: string;
}

type CloudInitDiskInputs = InputsOf<typeof cloudInitDiskSchemas>;
type CloudInitDiskState = CloudInitDiskInputs & CloudInitDiskOutputs;
type DiskContext = Context<LibvirtConfig>;

/** `libvirt:index:CloudInitDisk`: an ISO image for cloud-init's NoCloud data source. */
export const cloudInitDisk = resourceType<LibvirtConfig, CloudInitDiskInputs, CloudInitDiskState>({
  token: "libvirt:index:CloudInitDisk",
  inputs: cloudInitDiskSchemas,
  changes: {},
  deleteBeforeReplace: true,
  secrets: ["userData", "metaData", "networkConfig", "secretFiles"],
  identify: (inputs) => volumeId(inputs.pool, inputs.name),

  async create(inputs: CloudInitDiskInputs, context: DiskContext) {
    const libvirt = connect(context);
    const { pool, name } = inputs;
    if ((await claimVolume(libvirt, pool, name, context.urn)) !== undefined)
      await deleteVolume(libvirt, pool, name);
    await withTemporaryDirectory(async (directory) => {
      const files = { ...inputs.files, ...inputs.secretFiles };
      const iso = await makeSeedDisk(directory, { ...inputs, files });
      const capacity = { "@unit": "bytes", "#text": await fileSize(iso, "image") };
      const target = { format: { "@type": "raw" }, permissions: { mode: "0600" } };
      await createClaimed(libvirt, pool, name, context.urn, () =>
        createVolume(libvirt, pool, { volume: { name, capacity, target } }),
      );
      await uploadVolume(libvirt, pool, name, iso);
    });
    const found = await findVolume(libvirt, pool, name);
    if (found === undefined) throw new ProviderError(`volume ${name} vanished while it was being made`);
    const state = { ...inputs, path: found.path, generation: randomUUID() };
    return { id: volumeId(pool, name), inputs, state };
  },

  async read(
    id: string,
    last: { inputs: CloudInitDiskInputs; state: CloudInitDiskState } | undefined,
    context: DiskContext,
  ) {
    if (last === undefined) {
      throw new ProviderError(`${id}: a cloud-init disk cannot be imported: let ai-how up create it again`);
    }
    const libvirt = connect(context);
    const { pool, name } = parseVolumeId(id);
    try {
      return await whileReachable(
        libvirt,
        async () => ((await findVolume(libvirt, pool, name)) === undefined ? undefined : { id, ...last }),
        () => ({ id, ...last }),
      );
    } catch (error) {
      if (isInactivePool(error)) return { id, ...last };
      throw error;
    }
  },

  update: (id: string, was, inputs: CloudInitDiskInputs) =>
    Promise.resolve({ id, inputs, state: { ...was.state, ...inputs } }),

  async delete(id: string, last: { state: Partial<CloudInitDiskState> }, context: DiskContext) {
    const libvirt = connect(context);
    const { pool, name } = parseVolumeId(id);
    await whileReachable(
      libvirt,
      async () => {
        // After a refused creation the volume belongs to somebody else.
        const isOurs = last.state.path !== undefined || (await isClaimed(libvirt, pool, name, context.urn));
        if (isOurs) await removeClaimed(libvirt, pool, name, context.urn);
      },
      () => undefined,
    );
  },
});
