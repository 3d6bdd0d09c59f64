import { assetName, isObject, isSecret, UNKNOWN, type Value, type Values } from "./in-process/values.ts";

export const HIDDEN = "[secret]";
export const LATER = "(known after up)";

/**
 * Values as anybody may see them: secrets hidden, assets by their name and hash, and paths below the project's folder
 * relative to it, so that they are the same in every checkout.
 */
export function visible(values: Values, root: string): Values {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, shown(value, root)]));
}

function shown(value: Value, root: string): Value {
  if (value === UNKNOWN) return LATER;
  if (isSecret(value)) return HIDDEN;
  if (typeof value === "string") return value.replaceAll(`${root}/`, "./");
  if (Array.isArray(value)) return value.map((item) => shown(item, root));
  if (!isObject(value)) return value;
  return assetName(value) ?? visible(value, root);
}
