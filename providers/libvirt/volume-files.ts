import { stat } from "node:fs/promises";
import { ProviderError } from "../framework/resource.ts";
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

/** True for the error that libvirt gives for a volume of a pool that does not run. */
export function isInactivePool(error: unknown): boolean {
  return error instanceof LibvirtError && /storage pool .* is not active/.test(error.message);
}

/** Names of the pool's volumes; one with a space in it is cut short. */
export async function volumeNames(libvirt: Libvirt, pool: string): Promise<string[]> {
  return ((await libvirt.find("vol-list", "--pool", pool)) ?? "")
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[0] ?? "")
    .filter((name) => name !== "");
}

/** Names of the pool's volumes that lie on the file at `path`, and of the machines that it is a disk or the kernel of. */
export async function usersOf(libvirt: Libvirt, pool: string, path: string): Promise<string[]> {
  const found: string[] = [];
  const machines = (await libvirt.run("list", "--all", "--name")).split("\n").filter((name) => name !== "");
  for (const machine of machines)
    if ((await libvirt.find("dumpxml", "--inactive", machine))?.includes(path) === true) found.push(machine);
  for (const name of await volumeNames(libvirt, pool))
    if (!name.startsWith(".") && (await findVolume(libvirt, pool, name))?.backing?.path === path)
      found.push(name);
  return found;
}

/** Bytes of a local file, or a user error that says which input names it. */
export async function fileSize(path: string, property: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    throw new ProviderError(`${property}: ${path} cannot be read`);
  }
}
