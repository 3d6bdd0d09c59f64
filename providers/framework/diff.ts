import { isDeepStrictEqual } from "node:util";
import type { AnyResourceType, Change } from "./resource.ts";
import { hasUnknown } from "../../wire/values.ts";

/** One difference, at the path of the value that differs. */
export interface PropertyDiff {
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
  readonly change: Change;
}

/** What changed between two versions of a resource's inputs, and whether that replaces it. */
export interface ResourceDiff {
  readonly properties: readonly PropertyDiff[];
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
  /** Why the replacement is refused unless the user asks for it with `--replace`; undefined if it is allowed. */
  readonly refusal?: string;
}

/** Compares inputs property by property, down to the values that differ. Unknown values count as changed. */
export function diffInputs<Config>(
  type: AnyResourceType<Config>,
  was: Readonly<Record<string, unknown>>,
  is: Readonly<Record<string, unknown>>,
): ResourceDiff {
  const properties: PropertyDiff[] = [];
  const replaces: string[] = [];
  const rules = new Map(Object.entries(type.changes));
  const loss = type.guard?.({ ...was });
  for (const key of Object.keys(type.inputs)) {
    // A value with unknown parts has no defaults yet, so a key that it lacks was not deleted.
    const isPartial = hasUnknown(is[key]);
    const differences = valueDiff(key, was[key], is[key]).filter(
      ({ kind }) => !(isPartial && kind === "delete"),
    );
    if (differences.length === 0) continue;
    const rule = rules.get(key) ?? "replace";
    // An unknown may turn out to be the old value: only `up` knows whether this replaces.
    const isOpen = isPartial && (typeof rule === "function" || loss !== undefined);
    const change = isOpen ? "update" : typeof rule === "function" ? rule(was[key], is[key]) : rule;
    if (change === "replace") replaces.push(key);
    properties.push(...differences.map((difference) => ({ ...difference, change })));
  }
  const diff = { properties, replaces, deleteBeforeReplace: type.deleteBeforeReplace && replaces.length > 0 };
  if (loss === undefined || replaces.length === 0) return diff;
  const advice = "take that back, or ask for it with `--replace`";
  return { ...diff, refusal: `a change of ${replaces.join(" and ")} replaces ${loss}; ${advice}` };
}

/** The paths at which two values differ; a whole array is compared element by element. */
export function valueDiff(path: string, was: unknown, is: unknown): Omit<PropertyDiff, "change">[] {
  if (isDeepStrictEqual(was, is)) return [];
  if (was === undefined) return [{ path, kind: "add" }];
  if (is === undefined) return [{ path, kind: "delete" }];
  if (Array.isArray(was) && Array.isArray(is)) {
    return Array.from({ length: Math.max(was.length, is.length) }, (_, i) =>
      valueDiff(`${path}[${i}]`, was[i], is[i]),
    ).flat();
  }
  if (isRecord(was) && isRecord(is)) {
    const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
    return keys.flatMap((key) => valueDiff(`${path}.${key}`, was[key], is[key]));
  }
  return [{ path, kind: "update" }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
