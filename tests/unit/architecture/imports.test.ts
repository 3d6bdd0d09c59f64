import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");

// What each room may import besides itself and packages; `docs/architecture.md` has the same table.
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  gpu: [],
  config: ["gpu"],
  "providers/framework": [],
  "providers/libvirt": ["providers/framework"],
  "providers/host": ["providers/framework", "versions"],
  components: [
    "config/site.ts",
    "config/project-folders.ts",
    "gpu",
    "versions",
    "providers/libvirt/resources.ts",
    "providers/host/resources.ts",
  ],
  stacks: ["components", "config", "gpu"],
  "index.ts": ["stacks", "config"],
  policy: ["versions"],
  engine: ["config", "providers", "policy"],
  services: ["config", "versions"],
  cli: ["config", "gpu", "engine", "stacks/outputs.ts", "providers", "services", "package.json"],
};

function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS).find((room) => file === room || file.startsWith(`${room}/`));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, path]) =>
    normalize(join(dirname(file), path ?? "")),
  );
}

const files = globSync(["*.ts", ...Object.keys(ROOMS).map((room) => `${room}/**/*.ts`)], {
  cwd: root,
}).filter((file) => roomOf(file) !== undefined);

test("every room is looked at", () => {
  expect(new Set(files.map(roomOf)).size).toBeGreaterThanOrEqual(8);
});

test.each(files)("%s imports only from rooms that it may", (file) => {
  const room = roomOf(file) ?? "";
  const allowed = [room, ...(ROOMS[room] ?? [])];
  const wrong = importsOf(file).filter(
    (path) => !allowed.some((place) => path === place || path.startsWith(`${place}/`)),
  );
  expect(wrong).toEqual([]);
});
