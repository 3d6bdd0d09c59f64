import type { ShownDiff } from "../events.ts";
import { shown } from "../visible.ts";
import type { PropertyDiff } from "../../providers/framework/diff.ts";
import { assetName, isObject, isSecret, UNKNOWN, type Value, type Values } from "../../wire/values.ts";

const WIDTH = 60;

interface Difference {
  readonly properties: readonly Omit<PropertyDiff, "change">[];
  readonly replaces: readonly string[];
}

/** Differences for people: shortens values and hides secrets anywhere on the path. */
export function showDiffs(diff: Difference, was: Values, is: Values): ShownDiff[] {
  return diff.properties.map(({ path, kind }) => {
    const key = path.split(/[.[]/)[0] ?? path;
    const before = kind === "add" ? undefined : show(at(was, path));
    const after = kind === "delete" ? undefined : show(at(is, path));
    return {
      path,
      kind,
      ...(before !== undefined && { was: before }),
      ...(after !== undefined && { is: after }),
      replaces: diff.replaces.includes(key),
    };
  });
}

/** The value at a path; for a path into a secret or an asset, all of it. */
function at(values: Values, path: string): Value | undefined {
  let here: Value | undefined = values;
  for (const part of path.split(/[.[\]]+/).filter((name) => name !== "")) {
    if (here === undefined || isSecret(here) || here === UNKNOWN) return here;
    if (Array.isArray(here)) here = here[Number(part)];
    else if (assetName(here) !== undefined) return here;
    else here = isObject(here) ? here[part] : undefined;
  }
  return here;
}

function show(value: Value | undefined): string {
  if (value === undefined) return "(none)";
  const text = JSON.stringify(shown(value));
  // These placeholders are not JSON text: drop their quotes.
  if (value === UNKNOWN || isSecret(value)) return text.slice(1, -1);
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;
}
