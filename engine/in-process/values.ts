import { createHash } from "node:crypto";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

/** Property values as they travel between the program and the engine: JSON, with marked objects for secrets and assets. */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type Values = Record<string, Value>;

// The marks are Pulumi's wire format: `@pulumi/pulumi/runtime/rpc`.
const MARK = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";

/** The SDK's sentinel for a value that only exists after `up`. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isObject(value: unknown): value is Values {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

export function isSecret(value: Value | undefined): value is { value: Value } & Values {
  return isObject(value) && value[MARK] === SECRET;
}

/** What a person may call an asset or archive: its path, or that it is text, and the start of its hash once it has one. */
export function assetName(value: Value | undefined): string | undefined {
  if (!isObject(value) || (value[MARK] !== ASSET && value[MARK] !== ARCHIVE)) return undefined;
  const name = typeof value.path === "string" ? value.path : "text";
  return typeof value.hash === "string" ? `${name} (${value.hash.slice(0, 8)})` : name;
}

/** Marks a value as secret; a secret stays as it is. */
export function secret(value: Value): Value {
  return isSecret(value) ? value : { [MARK]: SECRET, value };
}

/** The same value with every secret opened: what providers work with. */
export function reveal(value: Value): Value {
  if (isSecret(value)) return reveal(value.value);
  if (Array.isArray(value)) return value.map(reveal);
  if (isObject(value)) return mapValues(value, reveal);
  return value;
}

export function revealAll(values: Values): Values {
  return mapValues(values, reveal);
}

export function hasSecret(value: Value | undefined): boolean {
  if (value === undefined) return false;
  if (isSecret(value)) return true;
  if (Array.isArray(value)) return value.some(hasSecret);
  return isObject(value) && Object.values(value).some(hasSecret);
}

export function hasUnknown(value: Value | undefined): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) && Object.values(value).some(hasUnknown);
}

/** Marks in `values` what was secret in `marked`: objects key by key, an array as a whole. */
export function markLike(values: Values, marked: Values): Values {
  const result: Values = {};
  for (const [key, value] of Object.entries(values)) {
    const like = marked[key];
    if (isSecret(like) || (Array.isArray(like) && hasSecret(like))) result[key] = secret(value);
    else if (isObject(like) && isObject(value)) result[key] = markLike(value, like);
    else result[key] = value;
  }
  return result;
}

/** Equality of what values say, whether or not they are marked secret. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  return isDeepStrictEqual(a === undefined ? undefined : reveal(a), b === undefined ? undefined : reveal(b));
}

export function mapValues(values: Values, change: (value: Value) => Value): Values {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

/** Gives every asset and archive in the value the hash of its content, so that a changed file is a changed input. */
export async function hashAssets(value: Value, root: string): Promise<Value> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => hashAssets(item, root)));
  if (!isObject(value)) return value;
  if (value[MARK] === ASSET || value[MARK] === ARCHIVE) {
    const hash = createHash("sha256");
    if (typeof value.text === "string") hash.update(value.text);
    else if (typeof value.path === "string") await hashPath(hash, join(root, value.path), "");
    else hash.update(JSON.stringify(value));
    return { ...value, hash: hash.digest("hex") };
  }
  const entries = Object.entries(value).map(
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
