import { execa } from "execa";
import { z } from "zod";
import { ProviderError } from "../framework/resource.ts";
import type { Libvirt } from "./virsh.ts";
import { fileSize, findVolume, volumeId } from "./volume-files.ts";
import type { VolumeInputs } from "./volume-inputs.ts";

/** The initial capacity: that of the source or backing image. */
export async function imageCapacity(libvirt: Libvirt, inputs: VolumeInputs): Promise<number> {
  if (inputs.source !== undefined) return fileSize(inputs.source, "source");
  const { path, format } = inputs.backing ?? { path: "", format: "raw" };
  if (!libvirt.isLocal) {
    const facts = await findVolume(libvirt, (await libvirt.run("vol-pool", path)).trim(), path);
    if (facts !== undefined) return facts.capacity;
    throw new ProviderError(`capacity: ${path} is in no pool of that host; give the capacity in bytes`);
  }
  const info = await execa("qemu-img", ["info", "--force-share", "--output=json", "-f", format, path], {
    reject: false,
  });
  if (info.exitCode !== 0) throw new ProviderError(`backing.path: ${info.stderr.trim()}`);
  return z.object({ "virtual-size": z.int() }).parse(JSON.parse(info.stdout))["virtual-size"];
}

/** Grows a volume to its capacity, also while a machine uses it. */
export async function grow(libvirt: Libvirt, inputs: VolumeInputs): Promise<void> {
  const { pool, name, capacity } = inputs;
  const found = await findVolume(libvirt, pool, name);
  if (found === undefined || capacity === undefined || capacity === found.capacity) return;
  if (capacity < found.capacity) {
    throw new ProviderError(
      `capacity: ${volumeId(pool, name)} has ${found.capacity} bytes, and ${capacity} would truncate it`,
    );
  }
  const user = await userOf(libvirt, found.path);
  if (user === undefined) {
    await libvirt.run("vol-resize", "--pool", pool, "--vol", name, "--capacity", String(capacity));
  } else {
    await libvirt.run("blockresize", user, found.path, `${capacity}b`);
    await libvirt.run("pool-refresh", pool);
  }
}

/** The running machine that has the file open. */
async function userOf(libvirt: Libvirt, path: string): Promise<string | undefined> {
  const machines = (await libvirt.run("list", "--name")).split("\n").filter((line) => line !== "");
  for (const machine of machines) {
    const disks = (await libvirt.find("domblklist", machine)) ?? "";
    if (disks.split("\n").some((line) => line.trim().split(/\s+/).slice(1).join(" ") === path))
      return machine;
  }
  return undefined;
}
