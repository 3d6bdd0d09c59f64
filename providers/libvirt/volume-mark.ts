import { ProviderError } from "../framework/resource.ts";
import { uuidOf } from "../framework/uuid.ts";
import {
  createVolume,
  deleteVolume,
  findVolume,
  usersOf,
  type VolumeFacts,
  volumeId,
  volumeNames,
} from "./volume-files.ts";
import { type Libvirt, LibvirtError } from "./virsh.ts";

// libvirt stores no metadata for a volume, so a mark is an empty hidden volume beside it. It is created before the volume and
// removed after it: after a killed creation, the mark tells that the volume is ours.

/** The meaning of a mark. */
type Meaning =
  /** The volume was created for the resource with this UUID. */
  | { readonly madeFor: string }
  /** No resource needs the volume any more; it is kept for its users. */
  | "unwanted";

function markOf(name: string, meaning: Meaning): string {
  return `.${name}.ai-how-${meaning === "unwanted" ? meaning : meaning.madeFor}`;
}

async function isMarked(libvirt: Libvirt, pool: string, name: string, meaning: Meaning): Promise<boolean> {
  return (await findVolume(libvirt, pool, markOf(name, meaning))) !== undefined;
}

async function mark(libvirt: Libvirt, pool: string, name: string, meaning: Meaning): Promise<void> {
  if (await isMarked(libvirt, pool, name, meaning)) return;
  const zero = { "@unit": "bytes", "#text": 0 };
  const volume = { name: markOf(name, meaning), capacity: zero, allocation: zero };
  await createVolume(libvirt, pool, { volume: { ...volume, target: { format: { "@type": "raw" } } } });
}

/**
 * Claims a volume's name for a resource: creates the mark, and returns the volume that an interrupted creation of the same resource
 * left. Fails if the name belongs to somebody else's volume.
 */
export async function claimVolume(
  libvirt: Libvirt,
  pool: string,
  name: string,
  urn: string,
): Promise<VolumeFacts | undefined> {
  const meaning = { madeFor: uuidOf(urn) };
  const found = await findVolume(libvirt, pool, name);
  if (found !== undefined && !(await isMarked(libvirt, pool, name, meaning))) throw foreignVolume(pool, name);
  await mark(libvirt, pool, name, meaning);
  return found;
}

/** Creates a claimed volume. Fails if a file of that name exists that libvirt does not know yet: it is somebody else's. */
export async function createClaimed(
  libvirt: Libvirt,
  pool: string,
  name: string,
  urn: string,
  create: () => Promise<void>,
): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!(error instanceof LibvirtError && error.message.includes("already exists"))) throw error;
    await deleteVolume(libvirt, pool, markOf(name, { madeFor: uuidOf(urn) }));
    throw foreignVolume(pool, name);
  }
}

/** Removes a volume and its mark; succeeds if they or their pool are gone. */
export async function removeClaimed(
  libvirt: Libvirt,
  pool: string,
  name: string,
  urn: string,
): Promise<void> {
  await deleteVolume(libvirt, pool, name);
  await deleteVolume(libvirt, pool, markOf(name, { madeFor: uuidOf(urn) }));
}

/** Whether the name is claimed by the resource. */
export function isClaimed(libvirt: Libvirt, pool: string, name: string, urn: string): Promise<boolean> {
  return isMarked(libvirt, pool, name, { madeFor: uuidOf(urn) });
}

/** Marks a volume as unwanted: it is removed with its last user. */
export function leaveForUsers(libvirt: Libvirt, pool: string, name: string): Promise<void> {
  return mark(libvirt, pool, name, "unwanted");
}

/** Removes the mark `unwanted`. */
export function wantAgain(libvirt: Libvirt, pool: string, name: string): Promise<void> {
  return deleteVolume(libvirt, pool, markOf(name, "unwanted"));
}

/** Removes unwanted volumes that no longer have users. */
export async function removeUnwanted(libvirt: Libvirt, pool: string): Promise<void> {
  const names = await volumeNames(libvirt, pool);
  for (const name of names.filter((each) => names.includes(markOf(each, "unwanted")))) {
    const found = await findVolume(libvirt, pool, name);
    if (found !== undefined && (await usersOf(libvirt, pool, found.path)).length > 0) continue;
    await deleteVolume(libvirt, pool, name);
    for (const mark of names.filter((each) => each.startsWith(`.${name}.ai-how-`)))
      await deleteVolume(libvirt, pool, mark);
  }
}

function foreignVolume(pool: string, name: string): ProviderError {
  return new ProviderError(
    `a volume ${name} exists already in pool ${pool} and is not of this stack: rename it, or \`pulumi import\` it (id ${volumeId(pool, name)})`,
  );
}
