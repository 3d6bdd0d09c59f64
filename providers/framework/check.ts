import type { z } from "zod";
import type { Problem } from "./resource.ts";
import { hasUnknown, UNKNOWN } from "../../wire/values.ts";

/** `disks[0].volume` from a zod path. */
export function propertyPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => {
    if (at === UNKNOWN) return UNKNOWN;
    return at !== null && typeof at === "object" ? (at as Record<PropertyKey, unknown>)[key] : undefined;
  }, value);
}

/**
 * Parses each input by its own schema and reports all problems. A value that a preview does not know is not checked;
 * everything around it is checked and gets its defaults.
 */
export function checkInputs(
  schema: Readonly<Record<string, z.ZodType>>,
  raw: Readonly<Record<string, unknown>>,
): { inputs: Record<string, unknown>; problems: Problem[] } {
  const inputs: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const key of Object.keys(raw)) {
    if (!(key in schema) && !key.startsWith("__")) {
      problems.push({
        property: key,
        reason: `unknown property; there are ${Object.keys(schema).join(", ")}`,
      });
    }
  }
  for (const [key, type] of Object.entries(schema)) {
    const value = raw[key];
    if (value === UNKNOWN) {
      inputs[key] = UNKNOWN;
      continue;
    }
    const parsed = type.safeParse(value ?? undefined);
    if (parsed.success) {
      if (parsed.data !== undefined) inputs[key] = parsed.data;
      continue;
    }
    const known = parsed.error.issues.filter((issue) => !hasUnknown(valueAt(value, issue.path)));
    problems.push(
      ...known.map((issue) => ({ property: propertyPath([key, ...issue.path]), reason: issue.message })),
    );
    inputs[key] = value;
  }
  return { inputs, problems };
}
