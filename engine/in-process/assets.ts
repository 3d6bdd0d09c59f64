import { createHash } from "node:crypto";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { isAsset, isObject, type Value, type Values } from "../../wire/values.ts";

/** Adds the hash of its content to every asset and archive, so that a changed file is a changed input. */
export async function hashAssets(value: Value, root: string): Promise<Value> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => hashAssets(item, root)));
  if (!isObject(value)) return value;
  if (isAsset(value)) {
    const hash = createHash("sha256");
    if (typeof value.text === "string") hash.update(value.text);
    else if (typeof value.path === "string") await hashPath(hash, join(root, value.path), "");
    else hash.update(JSON.stringify(value));
    return { ...value, hash: hash.digest("hex") };
  }
  const entries = Object.entries(value as Values).map(
    async ([key, item]) => [key, await hashAssets(item, root)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function hashPath(hash: ReturnType<typeof createHash>, path: string, name: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw error;
  });
  if (entries === undefined) {
    hash.update(`file ${name}\0`).update(await readFile(path));
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = join(path, entry.name);
    if (entry.isSymbolicLink()) hash.update(`link ${name}/${entry.name}\0${await readlink(child)}\0`);
    else await hashPath(hash, child, `${name}/${entry.name}`);
  }
}
