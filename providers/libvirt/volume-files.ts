import { stat } from "node:fs/promises";
import { ProviderError } from "../framework/resource.ts";
import { type Libvirt, LibvirtError } from "./virsh.ts";
import { Xml, type XmlElement } from "./xml.ts";

/** A volume as its pool describes it. */
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

/** The volume; undefined if it or its pool does not exist. */
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

/** Creates a volume from its XML. */
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

/** Removes a volume; succeeds if it or its pool is gone. */
export async function deleteVolume(libvirt: Libvirt, pool: string, name: string): Promise<void> {
  try {
    await libvirt.find("vol-delete", "--pool", pool, "--vol", name);
  } catch (error) {
    if (!isInactivePool(error)) throw error;
    await libvirt.run("pool-start", pool);
    await libvirt.find("vol-delete", "--pool", pool, "--vol", name);
  }
}

/** True for libvirt's error about a volume of an inactive pool. */
export function isInactivePool(error: unknown): boolean {
  return error instanceof LibvirtError && /storage pool .* is not active/.test(error.message);
}

/** Names of the pool's volumes; a name is cut at its first space. */
export async function volumeNames(libvirt: Libvirt, pool: string): Promise<string[]> {
  return ((await libvirt.find("vol-list", "--pool", pool)) ?? "")
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[0] ?? "")
    .filter((name) => name !== "");
}

/** Names of the volumes with this backing file, and of the machines that use it as disk or kernel. */
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
