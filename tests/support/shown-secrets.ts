import type { StackResource } from "../../engine/engine.ts";
import { nameOf } from "../../wire/urn.ts";
import { isSecret, type Value } from "../../wire/values.ts";

// What nobody may read, by the names that it has; told here once more, so that the program's own marks prove nothing.
const NAMES = /^(private_?key|.*pass(word|phrase)|.*token|munge_?key|user_?data)$|^admin_?private/i;
const TYPES: Readonly<Record<string, RegExp>> = { "host:index:RandomSecret": /^value$/ };
const SHORTEST = 16;

interface Part {
  readonly place: string;
  readonly key: string;
  readonly type: string;
  readonly text: string;
  readonly marked: boolean;
}

/** Where a stack that is up has a secret open: one that is called so, or the value of one that is elsewhere. */
export function shownSecrets(resources: readonly StackResource[]): string[] {
  const parts = resources.flatMap(({ urn, type, inputs, outputs }) =>
    [...textsIn(inputs), ...textsIn(outputs)].map(({ path, key, text, marked }): Part => ({
      ...{ place: `${nameOf(urn)}.${path}`, key, type, text, marked },
    })),
  );
  const named = parts.filter(({ key, type }) => NAMES.test(key) || TYPES[type]?.test(key) === true);
  const values = new Set(named.map(({ text }) => text.trim()).filter(({ length }) => length >= SHORTEST));
  const open = parts.filter(
    (part) =>
      !part.marked && (named.includes(part) || [...values].some((value) => part.text.includes(value))),
  );
  return [...new Set(open.map(({ place }) => place))];
}

function textsIn(
  value: Value,
  path = "",
  key = "",
  marked = false,
): { path: string; key: string; text: string; marked: boolean }[] {
  if (isSecret(value)) return textsIn(value.value, path, key, true);
  if (typeof value === "string") return value === "" ? [] : [{ path, key, text: value, marked }];
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, part]) => {
    const below = path === "" ? name : `${path}.${name}`;
    return textsIn(part, below, Array.isArray(value) ? key : name, marked);
  });
}
