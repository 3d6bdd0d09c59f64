import { existsSync } from "node:fs";
import { chmod, chown, lstat, mkdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { ProviderError } from "../../framework/resource.ts";
import type { ContainerInputs } from "./inputs.ts";

const recordSchema = z.object({ generation: z.string(), rootDirectory: z.string() });

/** The record in a machine's directory. */
export type ContainerRecord = z.infer<typeof recordSchema>;

/** The record in a machine's directory; undefined when there is no machine. */
export async function readRecord(directory: string): Promise<ContainerRecord | undefined> {
  try {
    // Without its layer a machine is gone, even if other files are left.
    await stat(join(directory, "upper"));
    return recordSchema.parse(JSON.parse(await readFile(join(directory, "container.json"), "utf8")));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Creates a machine's directory, for root only: it holds the machine's secrets. */
export async function writeRecord(directory: string, record: ContainerRecord): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  for (const part of ["upper", "work", "root"]) await mkdir(join(directory, part), { recursive: true });
  const draft = join(directory, "container.json.new");
  await writeFile(draft, JSON.stringify(record));
  await rename(draft, join(directory, "container.json"));
}

/** Removes a machine's directory, and its parent after the last machine. */
export async function removeFiles(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await rmdir(dirname(directory)).catch(() => undefined); // stays while others are in it
}

/** Writes name, network and keys into the machine's layer, as cloud-init does on a VM. */
export async function writeSeed(directory: string, inputs: ContainerInputs): Promise<void> {
  const image = inputs.rootDirectory;
  const upper = join(directory, "upper");
  const admin = await findAccount(image, inputs.adminUser);
  const root = { uid: 0, gid: 0 };
  const keys = `${admin.home}/.ssh`;
  await makeDirectory(image, upper, admin.home, { ...admin, mode: 0o755 });
  await makeDirectory(image, upper, keys, { ...admin, mode: 0o700 });
  const files = [
    { path: "/etc/hostname", content: `${inputs.hostname}\n`, mode: 0o644, ...root },
    { path: "/etc/systemd/network/10-host0.network", content: network(inputs), mode: 0o644, ...root },
    { path: "/etc/ssh/ssh_host_ed25519_key", content: `${inputs.hostKey.trim()}\n`, mode: 0o600, ...root },
    {
      path: "/etc/ssh/ssh_host_ed25519_key.pub",
      content: `${inputs.hostPublicKey.trim()}\n`,
      mode: 0o644,
      ...root,
    },
    { path: `${keys}/authorized_keys`, content: `${inputs.authorizedKey.trim()}\n`, mode: 0o600, ...admin },
  ];
  for (const file of files) {
    await makeDirectory(image, upper, dirname(file.path), { ...root, mode: 0o755 });
    const target = join(upper, file.path);
    await rm(target, { force: true }); // the machine may have made a link of it
    await writeFile(target, file.content, { mode: file.mode, flag: "wx" });
    await chown(target, file.uid, file.gid);
  }
  for (const { source, existing } of inputs.binds) {
    if (existing) {
      if (!existsSync(source))
        throw new ProviderError(`${source}: no such folder on this host; create it, or remove the mount`);
    } else if ((await mkdir(source, { recursive: true })) !== undefined) await chmod(source, 0o1777);
  }
}

interface Account {
  uid: number;
  gid: number;
  home: string;
}

async function findAccount(image: string, name: string): Promise<Account> {
  const lines = (await readFile(join(image, "etc/passwd"), "utf8"))
    .split("\n")
    .map((line) => line.split(":"));
  const line = lines.find((fields) => fields[0] === name);
  if (line === undefined) {
    throw new ProviderError(`the image ${image} has no account ${name}: build it with adminUser ${name}`);
  }
  return { uid: Number(line[2]), gid: Number(line[3]), home: line[5] ?? "/" };
}

/** Creates a directory and its parents in the layer, with the image's owner and mode where the image has the directory. */
async function makeDirectory(
  image: string,
  upper: string,
  path: string,
  otherwise: { uid: number; gid: number; mode: number },
): Promise<void> {
  if (path === "/") return;
  await makeDirectory(image, upper, dirname(path), { uid: 0, gid: 0, mode: 0o755 });
  const target = join(upper, path);
  try {
    if ((await lstat(target)).isDirectory()) return;
    throw new ProviderError(`${target} is in the way: it is not a directory`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const below = await stat(join(image, path)).catch(() => undefined);
  const { uid, gid, mode } = below ?? otherwise;
  await mkdir(target);
  await chown(target, uid, gid);
  await chmod(target, mode & 0o7777);
}

function network(inputs: ContainerInputs): string {
  return [
    "[Match]",
    "Name=host0",
    "[Link]",
    `MACAddress=${inputs.mac}`,
    "[Network]",
    `Address=${inputs.address}`,
    ...(inputs.gateway === undefined ? [] : [`Gateway=${inputs.gateway}`]),
    ...inputs.dns.map((server) => `DNS=${server}`),
    "DHCP=no",
    "IPv6AcceptRA=no",
    "",
  ].join("\n");
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
