import {
  assetName,
  isObject,
  isSecret,
  mapValues,
  UNKNOWN,
  type Value,
  type Values,
} from "../wire/values.ts";

const HIDDEN = "[secret]";
const LATER = "(known after up)";

/**
 * Values for people: hides secrets, shows assets by name and hash, and makes paths below the project's folder relative,
 * so that they are the same in every checkout.
 */
export function visible(values: Values, root: string): Values {
  return mapValues(values, (value) => shown(value, root));
}

/** As `visible`, for one value. Without `root`, paths stay absolute. */
export function shown(value: Value, root?: string): Value {
  if (value === UNKNOWN) return LATER;
  if (isSecret(value)) return HIDDEN;
  if (typeof value === "string") return root === undefined ? value : value.replaceAll(`${root}/`, "./");
  if (Array.isArray(value)) return value.map((item) => shown(item, root));
  if (!isObject(value)) return value;
  return assetName(value) ?? mapValues(value, (item) => shown(item, root));
}
