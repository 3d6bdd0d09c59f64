/**
 * Property values in Pulumi's protocol: JSON with marked objects for secrets and assets, and with `UNKNOWN` for unknown
 * values.
 */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type Values = Record<string, Value>;

// Copied from `@pulumi/pulumi/runtime/rpc`, so that providers load without the SDK.
const MARK = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";

/** Stands for a value that only exists after `up`. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isObject(value: unknown): value is Values {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

export function isSecret(value: Value | undefined): value is { value: Value } & Values {
  return isObject(value) && value[MARK] === SECRET;
}

/** Whether this is an asset or archive: a file, a folder, or text in place of a file. */
export function isAsset(value: Value | undefined): value is Values {
  return isObject(value) && (value[MARK] === ASSET || value[MARK] === ARCHIVE);
}

/** The name of an asset or archive for people: its path or "text", and the start of its hash if it has one. */
export function assetName(value: Value | undefined): string | undefined {
  if (!isAsset(value)) return undefined;
  const name = typeof value.path === "string" ? value.path : "text";
  return typeof value.hash === "string" ? `${name} (${value.hash.slice(0, 8)})` : name;
}

/** Marks a value as secret; a secret stays as it is. */
export function secret(value: Value): Value {
  return isSecret(value) ? value : { [MARK]: SECRET, value };
}

/** The value with plain secrets, as providers get it. */
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

/** Whether the value is unknown or contains an unknown one. */
export function hasUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) && Object.values(value).some(hasUnknown);
}

export function mapValues(values: Values, change: (value: Value) => Value): Values {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
