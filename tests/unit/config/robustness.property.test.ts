import fc from "fast-check";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { ClusterFileError, deriveSite, parseClusterText } from "../../../config/index.ts";
import { fixtures } from "./fixtures.ts";

const files = fixtures("valid").map((fixture): unknown => parse(fixture.text, { merge: true }));

/** Replaces one part of a value; `steps` select the part, level by level. */
function mutate(value: unknown, steps: readonly number[], replacement: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || value === null || typeof value !== "object") return replacement;
  const copy = structuredClone(value) as Record<string, unknown>;
  const keys = Object.keys(copy);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return replacement;
  copy[key] = mutate(copy[key], rest, replacement);
  return copy;
}

const anything = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1.5,
    1e20,
    "",
    "DHCP",
    "10.0.0.1",
    "${HOME}",
    "controller",
    "x\ny",
    [],
    {},
    [{}],
    [null],
  ),
  fc.string(),
  fc.dictionary(
    fc.constantFrom("ssh", "ip", "count", "gpu", "cpu", "name", "host", "devices", "enabled"),
    fc.json(),
  ),
);

test("any value anywhere in a file gives a site or a ClusterFileError", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(fc.nat({ max: 20 }), { maxLength: 8 }),
      anything,
      (file, steps, replacement) => {
        const text = stringify(mutate(file, steps, replacement));
        try {
          expect(deriveSite(parseClusterText(text, { env: { HOME: "/root" } }).config)).toBeDefined();
        } catch (error) {
          if (!(error instanceof ClusterFileError)) throw error;
          expect(error.problems.length).toBeGreaterThan(0);
          for (const line of error.details) expect(line).not.toMatch(/\n|undefined|\[object|Invalid input/);
        }
      },
    ),
    { numRuns: 300 },
  );
});
