import { expect, test } from "vitest";
import { clusterFileJsonSchema } from "../../../config/index.ts";

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Every property of the schema, with its path. */
function properties(
  schema: unknown,
  path: string,
): { path: string; schema: Readonly<Record<string, unknown>> }[] {
  if (Array.isArray(schema)) return schema.flatMap((each) => properties(each, path));
  if (!isMap(schema)) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key !== "properties" || !isMap(value)) return properties(value, path);
    return Object.entries(value).flatMap(([name, property]) => [
      ...(isMap(property) ? [{ path: `${path}.${name}`, schema: property }] : []),
      ...properties(property, `${path}.${name}`),
    ]);
  });
}

const schema = clusterFileJsonSchema();

test("it is a JSON Schema of a map without additional keys", () => {
  expect(schema).toMatchObject({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "ai-how cluster file",
    type: "object",
    additionalProperties: false,
    required: ["clusters"],
  });
});

test("every key has a description, for the reference page", () => {
  const all = properties(schema, "");
  expect(all.length).toBeGreaterThan(150);
  // `not` marks a key that belongs to the other form of a node.
  const bare = all.filter(
    (property) => !("not" in property.schema) && property.schema.description === undefined,
  );
  expect(bare.map((property) => property.path)).toEqual([]);
});

test("a description contains the default", () => {
  const silent = properties(schema, "").filter(({ schema: { default: value, description } }) => {
    return value !== undefined && !/default/i.test(String(description));
  });
  expect(silent.map((property) => property.path)).toEqual([]);
});
