import fc from "fast-check";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { deriveSite, parseClusterText, UserError } from "../../../config/index.ts";
import { fixtures } from "./fixtures.ts";

const old = fixtures("valid").filter(({ name }) => name.startsWith("old-"));
const files = old.map(({ text }): unknown => parse(text, { merge: true }));

type Step = string | number;
type Container = Record<string, unknown>;

/** Every path to a value below a map or a list. */
function paths(value: unknown, at: readonly Step[] = []): (readonly Step[])[] {
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) => {
    const path = [...at, Array.isArray(value) ? Number(key) : key];
    return [path, ...paths(part, path)];
  });
}

function containerOf(root: unknown, path: readonly Step[]): Container | undefined {
  let value: unknown = root;
  for (const step of path.slice(0, -1)) {
    if (value === null || typeof value !== "object") return undefined;
    value = (value as Container)[step];
  }
  return value !== null && typeof value === "object" ? (value as Container) : undefined;
}

function drop(container: Container, key: Step): void {
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else Reflect.deleteProperty(container, key);
}

function put(container: Container, key: Step, value: unknown): void {
  if (Array.isArray(container)) container.splice(Number(key), 0, value);
  else container[key] = value;
}

/** A mistake in editing by hand: a key is dropped, moved, duplicated, or left without a value. */
type Change = readonly ["drop" | "move" | "double" | "empty", number, number];

function changed(file: unknown, changes: readonly Change[]): unknown {
  const root = structuredClone(file);
  for (const [kind, from, to] of changes) {
    const all = paths(root);
    const source = all[from % Math.max(1, all.length)];
    const target = all[to % Math.max(1, all.length)];
    const container = source && containerOf(root, source);
    const key = source?.at(-1);
    if (container === undefined || key === undefined || target === undefined) continue;
    const value = structuredClone(container[key]);
    if (kind === "empty") container[key] = null;
    if (kind === "drop" || kind === "move") drop(container, key);
    if (kind === "double" || kind === "move") {
      const other = containerOf(root, target);
      if (other !== undefined) put(other, Array.isArray(other) ? Number(target.at(-1)) : key, value);
    }
  }
  return root;
}

const change = fc.tuple(
  fc.constantFrom("drop", "move", "double", "empty" as const),
  fc.nat(10_000),
  fc.nat(10_000),
);

test("an old file with mistakes is accepted, or each problem is one line with its path", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      (file, changes) => {
        const text = stringify(changed(file, changes));
        try {
          const { config, warnings } = parseClusterText(text, { env: { HOME: "/root" } });
          for (const cluster of deriveSite(config).clusters)
            for (const { name, address } of cluster.nodes) expect(address, name).toBeDefined();
          for (const { path } of warnings) expect(path).not.toBe("");
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          expect(error.details.length).toBeGreaterThan(0);
          for (const line of error.details) {
            expect(line).toMatch(/^[\w.[\]"-]+: \S/);
            expect(line).not.toMatch(/\n|undefined|\[object|Invalid input/);
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});

const OPTIONAL = [
  ...["version", "metadata", "description", "global", "network", "subnet", "bridge", "hardware", "storage"],
  ...["slurm_config", "kubernetes_config", "compute_nodes", "worker_nodes", "workers", "ip", "ip_address"],
];

test.each(OPTIONAL)("every old file is valid without %s", (lost) => {
  let count = 0;
  for (const file of files) {
    // BeeGFS needs the compute nodes that it names.
    if (lost === "compute_nodes" && JSON.stringify(file).includes("storage_nodes")) continue;
    for (const path of paths(file).filter((each) => each.at(-1) === lost)) {
      const copy = structuredClone(file);
      const container = containerOf(copy, path);
      // A subnet is derived from addresses only if it is a /24.
      if (container === undefined || JSON.stringify(container).includes("/16")) continue;
      drop(container, lost);
      expect(
        () => parseClusterText(stringify(copy), { env: { HOME: "/root" } }),
        path.join("."),
      ).not.toThrow();
      count += 1;
    }
  }
  expect(count).toBeGreaterThan(0);
});
