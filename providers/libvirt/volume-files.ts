import { stat } from "node:fs/promises";
import { ProviderError } from "../framework/resource.ts";
import { isMadeFromName } from "../framework/uuid.ts";
import { type Libvirt, LibvirtError } from "./virsh.ts";
import { Xml, type XmlElement } from "./xml.ts";

/** What a pool says about one of its volumes. */
export interface VolumeFacts {
  /** The file's path on libvirt's host. */
  path: string;
  /** Bytes that a machine sees. */
  capacity: number;
  format: string;
  backing: { path: string; format: string } | undefined;
}

/** A volume's id: libvirt knows volumes by pool and name. */
export function volumeId(pool: string, name: string): string {
  return `${pool}/${name}`;
}

/** Pool and name of an id. */
export function parseVolumeId(id: string): { pool: string; name: string } {
  const slash = id.indexOf("/");
  if (slash <= 0 || slash === id.length - 1) {
    throw new ProviderError(`${id} is not the id of a volume: write pool/name`);
  }
  return { pool: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** What the pool says about a volume; undefined when there is no such volume, or no such pool. */
export async function findVolume(
  libvirt: Libvirt,
  pool: string,
  name: string,
): Promise<VolumeFacts | undefined> {
  const text = await libvirt.find("vol-dumpxml", "--pool", pool, "--vol", name);
  if (text === undefined) return undefined;
  const volume = Xml.parse(text);
  const backing = volume.child("backingStore", "path")?.text;
  return {
    path: volume.child("target", "path")?.text ?? "",
    capacity: Number(volume.child("capacity")?.text ?? "0"),
    format: volume.child("target", "format")?.attribute("type") ?? "raw",
    backing:
      backing === undefined
        ? undefined
        : { path: backing, format: volume.child("backingStore", "format")?.attribute("type") ?? "raw" },
  };
}

/** Creates a volume from its XML, and says where it lies. */
export async function createVolume(libvirt: Libvirt, pool: string, xml: XmlElement): Promise<void> {
  await libvirt.define(["vol-create", "--pool", pool], xml);
}

/** Fills a volume with a local file's bytes. */
export async function uploadVolume(
  libvirt: Libvirt,
  pool: string,
  name: string,
  file: string,
): Promise<void> {
  await libvirt.run("vol-upload", "--pool", pool, "--vol", name, "--file", file, "--sparse");
}

/** Removes a volume; also when it, or its pool, is gone already. */
export async function deleteVolume(libvirt: Libvirt, pool: string, name: string): Promise<void> {
  try {
    await libvirt.find("vol-delete", "--pool", pool, "--vol", name);
  } catch (error) {
    if (!isInactivePool(error)) throw error;
    await libvirt.run("pool-start", pool);
    await libvirt.find("vol-delete", "--pool", pool, "--vol", name);
  }
}

/**
 * A volume of that name in a pool of ours is what an interrupted creation left; in any other pool it is somebody's.
 */
export async function findLeftover(
  libvirt: Libvirt,
  pool: string,
  name: string,
): Promise<VolumeFacts | undefined> {
  const found = await findVolume(libvirt, pool, name);
  if (found === undefined || isMadeFromName((await libvirt.run("pool-uuid", pool)).trim())) return found;
  throw new ProviderError(
    `a volume ${name} exists already in pool ${pool} and is not of this stack: rename it, or \`pulumi import\` it (id ${volumeId(pool, name)})`,
  );
}

/** True for the error that libvirt gives for a volume of a pool that does not run. */
export function isInactivePool(error: unknown): boolean {
  return error instanceof LibvirtError && /storage pool .* is not active/.test(error.message);
}

/** Bytes of a local file, or a user error that says which input names it. */
export async function fileSize(path: string, property: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    throw new ProviderError(`${property}: ${path} cannot be read`);
  }
}
