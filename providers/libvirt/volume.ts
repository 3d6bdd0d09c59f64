import { randomUUID } from "node:crypto";
import { fileDigest } from "../framework/file-digest.ts";
import type { Context, Existing } from "../framework/resource.ts";
import { ProviderError, resourceType } from "../framework/resource.ts";
import { type Fingerprints, fingerprints, withDrift } from "./drift.ts";
import { connect, type Libvirt, type LibvirtConfig, whileReachable } from "./virsh.ts";
import {
  createVolume,
  deleteVolume,
  fileSize,
  findVolume,
  isInactivePool,
  parseVolumeId,
  uploadVolume,
  usersOf,
  type VolumeFacts,
  volumeId,
} from "./volume-files.ts";
import { checkVolume, type VolumeInputs, volumeSchemas } from "./volume-inputs.ts";
import {
  claimVolume,
  createClaimed,
  isClaimed,
  leaveForUsers,
  removeClaimed,
  removeUnwanted,
  wantAgain,
} from "./volume-mark.ts";
import { grow, imageCapacity } from "./volume-size.ts";
import type { XmlElement } from "./xml.ts";

/** A volume that exists. */
export interface VolumeOutputs {
  format: "qcow2" | "raw";
  /** Bytes that the machine sees. */
  capacity: number;
  /** The file's path on libvirt's host. */
  path: string;
  /** A random UUID made with its content: another one whenever the volume is made again. */
  generation: string;
}

type VolumeState = VolumeInputs & VolumeOutputs & { observed: Fingerprints };
type VolumeContext = Context<LibvirtConfig>;
type ExistingVolume = Existing<VolumeInputs, VolumeState>;

/** A disk in a storage pool. */
export const volume = resourceType<LibvirtConfig, VolumeInputs, VolumeState>({
  token: "libvirt:index:Volume",
  inputs: volumeSchemas,
  changes: {
    // Without a capacity the size is kept; a new capacity may be larger, which `grow` checks.
    capacity: (was, is) => (was === undefined || is === undefined || is >= was ? "update" : "replace"),
    // Another path may hold the same content.
    source: (was, is) => (was !== undefined && is !== undefined ? "update" : "replace"),
    keep: "update",
  },
  deleteBeforeReplace: true,
  guard: ({ keep, name }) => (keep ? `${name}: its disk is lost` : undefined),
  check: checkVolume,
  identify: (inputs) => volumeId(inputs.pool, inputs.name),

  async create(inputs: VolumeInputs, context: VolumeContext) {
    const libvirt = connect(context);
    const { pool, name } = inputs;
    if (inputs.source !== undefined) await fileSize(inputs.source, "source");
    const leftover = await claimVolume(libvirt, pool, name, context.urn);
    if (leftover !== undefined && (await fitsInputs(libvirt, inputs, leftover))) {
      await wantAgain(libvirt, pool, name);
      await grow(libvirt, inputs);
    } else {
      if (leftover !== undefined && inputs.keep)
        throw new ProviderError(
          `format: ${volumeId(pool, name)} is ${leftover.format} and may hold work: move it away, or keep its format`,
        );
      if (leftover !== undefined) await deleteVolume(libvirt, pool, name);
      const xml = await volumeXml(libvirt, inputs);
      await createClaimed(libvirt, pool, name, context.urn, () => createVolume(libvirt, pool, xml));
      if (inputs.source !== undefined) await fill(libvirt, inputs, inputs.source, context);
    }
    return existing(libvirt, inputs, randomUUID());
  },

  async read(id: string, last: ExistingVolume | undefined, context: VolumeContext) {
    const libvirt = connect(context);
    const unknown = () => last && { id, inputs: last.inputs, state: last.state };
    return whileReachable(
      libvirt,
      async () => {
        try {
          return await readVolume(libvirt, id, last);
        } catch (error) {
          if (isInactivePool(error)) return unknown();
          throw error;
        }
      },
      unknown,
    );
  },

  async update(_id: string, was: { state: VolumeState }, inputs: VolumeInputs, context: VolumeContext) {
    const libvirt = connect(context);
    await grow(libvirt, inputs);
    return existing(libvirt, inputs, was.state.generation);
  },

  async delete(
    id: string,
    last: { inputs: VolumeInputs; state: Partial<VolumeState> },
    context: VolumeContext,
  ) {
    const libvirt = connect(context);
    const { pool, name } = parseVolumeId(id);
    await whileReachable(
      libvirt,
      async () => {
        // After a refused creation the volume belongs to somebody else.
        const isOurs = last.state.path !== undefined || (await isClaimed(libvirt, pool, name, context.urn));
        if (isOurs) await removeVolume(libvirt, { ...last.inputs, pool, name }, context);
      },
      () => undefined,
    );
  },
});

/** True if an existing volume fits the inputs, so that a repeated creation can keep it. */
async function fitsInputs(libvirt: Libvirt, inputs: VolumeInputs, leftover: VolumeFacts): Promise<boolean> {
  // A copy may be incomplete. One in use is complete, and must not be written to.
  if (inputs.source !== undefined) return (await usersOf(libvirt, inputs.pool, leftover.path)).length > 0;
  // The state was lost: keep the disk and its work, even if image and size differ by now.
  if (inputs.keep) return leftover.format === inputs.format;
  return (
    leftover.format === inputs.format &&
    leftover.backing?.path === inputs.backing?.path &&
    (inputs.capacity === undefined || leftover.capacity === inputs.capacity)
  );
}

/** Copies a local file's content into a new volume. */
async function fill(
  libvirt: Libvirt,
  inputs: VolumeInputs,
  source: string,
  context: VolumeContext,
): Promise<void> {
  const { pool, name, sourceDigest } = inputs;
  if (sourceDigest !== undefined && (await fileDigest(source)) !== sourceDigest)
    throw new ProviderError(`source: ${source} has changed since the preview; run this again`);
  context.log(`copying ${source} to ${volumeId(pool, name)}`);
  await uploadVolume(libvirt, pool, name, source);
  await libvirt.run("pool-refresh", pool);
  await grow(libvirt, inputs);
}

/** Removes a volume, and images that only it used; an image in use is kept and marked as unwanted. */
async function removeVolume(
  libvirt: Libvirt,
  { pool, name, source }: VolumeInputs,
  context: VolumeContext,
): Promise<void> {
  const found = await findVolume(libvirt, pool, name);
  if (found !== undefined && source !== undefined) {
    const users = await usersOf(libvirt, pool, found.path);
    if (users.length > 0) {
      context.log(`${name} is kept: it is in use by ${users.join(", ")}`);
      await leaveForUsers(libvirt, pool, name);
      return;
    }
  }
  await removeClaimed(libvirt, pool, name, context.urn);
  if (found?.backing !== undefined) await removeUnwanted(libvirt, pool);
}

async function volumeXml(libvirt: Libvirt, inputs: VolumeInputs): Promise<XmlElement> {
  const capacity = inputs.capacity ?? (await imageCapacity(libvirt, inputs));
  return {
    volume: {
      name: inputs.name,
      capacity: { "@unit": "bytes", "#text": capacity },
      allocation: { "@unit": "bytes", "#text": 0 },
      target: {
        format: { "@type": inputs.format },
        // qcow2 version 3; libvirt's own default is older than QEMU's.
        compat: inputs.format === "qcow2" ? "1.1" : undefined,
      },
      backingStore: inputs.backing && {
        path: inputs.backing.path,
        format: { "@type": inputs.backing.format },
      },
    },
  };
}

async function readVolume(
  libvirt: Libvirt,
  id: string,
  last: { inputs: VolumeInputs; state: VolumeState } | undefined,
): Promise<ExistingVolume | undefined> {
  const { pool, name } = parseVolumeId(id);
  const found = await findVolume(libvirt, pool, name);
  if (found === undefined) return undefined;
  const actual = actualInputs(pool, name, found);
  const inputs = last === undefined ? actual : withDrift(last.inputs, last.state.observed, actual);
  return { id, inputs, state: stateOf(inputs, found, last?.state.generation ?? randomUUID()) };
}

async function existing(libvirt: Libvirt, inputs: VolumeInputs, generation: string): Promise<ExistingVolume> {
  const found = await findVolume(libvirt, inputs.pool, inputs.name);
  if (found === undefined) throw new ProviderError(`volume ${inputs.name} vanished while it was being made`);
  return { id: volumeId(inputs.pool, inputs.name), inputs, state: stateOf(inputs, found, generation) };
}

function stateOf(inputs: VolumeInputs, found: VolumeFacts, generation: string): VolumeState {
  return {
    ...inputs,
    capacity: found.capacity,
    path: found.path,
    generation,
    observed: fingerprints(actualInputs(inputs.pool, inputs.name, found)),
  };
}

function actualInputs(pool: string, name: string, found: VolumeFacts): VolumeInputs {
  const asFormat = (format: string) => (format === "qcow2" ? "qcow2" : "raw");
  return {
    pool,
    name,
    format: asFormat(found.format),
    capacity: found.capacity,
    keep: false,
    ...(found.backing === undefined
      ? {}
      : { backing: { path: found.backing.path, format: asFormat(found.backing.format) } }),
  };
}
