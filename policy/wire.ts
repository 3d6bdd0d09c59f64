import { Secret, UNKNOWN, type Properties, type Value } from "./resource.ts";

// The marks are those of Pulumi's wire format: `@pulumi/pulumi/runtime/rpc`.
const MARK = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

// One for each type that a value may turn out to have: `@pulumi/policy/proxy`.
const UNKNOWNS: ReadonlySet<unknown> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** Properties in Pulumi's wire format, in which both engines have them, as rules see them. */
export function fromWire(properties: Readonly<Record<string, unknown>>): Properties {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, valueOf(value)]),
  );
}

function valueOf(value: unknown): Value {
  if (UNKNOWNS.has(value)) return UNKNOWN;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map(valueOf);
  if (typeof value !== "object" || value === null) return null;
  // Assets, archives and references to resources are maps like any other, but for their mark.
  const { [MARK]: mark, ...rest } = value as Readonly<Record<string, unknown>>;
  return mark === SECRET ? new Secret(valueOf(rest.value)) : fromWire(rest);
}
