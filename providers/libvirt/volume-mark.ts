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

// libvirt keeps nothing but a name of a volume in a folder, so a mark is an empty volume beside it, hidden from `ls`. It is there
// before the volume and goes after it: a killed creation leaves a volume that is known to be ours.

/** What a mark says of a volume. */
type Meaning =
  /** It was made for the resource with this UUID. */
  | { readonly madeFor: string }
  /** No resource wants it any more; it stays for those who use it. */
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
 * Makes the place for a resource's volume: puts the resource's mark there, and returns what an interrupted creation of the same
 * resource left. Throws where somebody else has a volume of that name.
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

/** Creates a claimed volume. A file that libvirt has not noticed yet is somebody else's, too. */
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

/** Removes a volume and its mark; also when they, or their pool, are gone already. */
export async function removeClaimed(
  libvirt: Libvirt,
  pool: string,
  name: string,
  urn: string,
): Promise<void> {
  await deleteVolume(libvirt, pool, name);
  await deleteVolume(libvirt, pool, markOf(name, { madeFor: uuidOf(urn) }));
}

/** Whether the volume of that name is, or would be, the resource's own. */
export function isClaimed(libvirt: Libvirt, pool: string, name: string, urn: string): Promise<boolean> {
  return isMarked(libvirt, pool, name, { madeFor: uuidOf(urn) });
}

/** Leaves a volume there for those who use it; with the last of them it goes. */
export function leaveForUsers(libvirt: Libvirt, pool: string, name: string): Promise<void> {
  return mark(libvirt, pool, name, "unwanted");
}

/** Takes back that no resource wants a volume. */
export function wantAgain(libvirt: Libvirt, pool: string, name: string): Promise<void> {
  return deleteVolume(libvirt, pool, markOf(name, "unwanted"));
}

/** Removes what was left for its users and has none any more. */
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
