import { dirname } from "node:path";
import { expect, test } from "vitest";
import { ROOMS } from "../../../docs/rooms.ts";
import { circles, importsOf, sources } from "../../support/imports.ts";

const isIn = (file: string, place: string): boolean => file === place || file.startsWith(`${place}/`);

function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS).find((room) => isIn(file, room));
}

const imports = new Map(sources.map((file) => [file, importsOf(file)]));

test("no room is empty", () => {
  expect(new Set(sources.map(roomOf).filter((room) => room !== undefined))).toEqual(
    new Set(Object.keys(ROOMS)),
  );
});

test.each(Object.entries(ROOMS))("%s imports only from the rooms that it may", (name, room) => {
  const allowed = [name, ...room.imports];
  // A room within a room is one of its own.
  const isAllowed = (path: string, place: string): boolean =>
    isIn(path, place) && (roomOf(place) === undefined || roomOf(place) === roomOf(path));
  const wrong = sources
    .filter((file) => roomOf(file) === name)
    .flatMap((file) =>
      (imports.get(file) ?? [])
        .filter((path) => !allowed.some((place) => isAllowed(path, place)))
        .map((path) => `${file} imports ${path}`),
    );
  expect(wrong).toEqual([]);
});

test("no files import each other in a circle", () => {
  const graph = new Map([...imports].map(([file, paths]) => [file, new Set(paths)]));
  expect(circles(graph)).toEqual([]);
});

test("no folders import each other in a circle; a folder and those inside it count as one", () => {
  const graph = new Map<string, Set<string>>();
  for (const [file, paths] of imports) {
    const folder = dirname(file);
    const others = graph.get(folder) ?? new Set();
    for (const other of paths.map((path) => dirname(path))) {
      if (!isIn(other, folder) && !isIn(folder, other)) others.add(other);
    }
    graph.set(folder, others);
  }
  expect(circles(graph)).toEqual([]);
});

test("circles are found, directly and around", () => {
  const graph = (edges: Record<string, string[]>) =>
    new Map(Object.entries(edges).map(([from, to]) => [from, new Set(to)]));
  expect(circles(graph({ a: ["b"], b: ["c"], c: [] }))).toEqual([]);
  expect(circles(graph({ a: ["b"], b: ["a"] }))).toEqual([["a", "b"]]);
  expect(circles(graph({ x: ["a"], a: ["b"], b: ["c"], c: ["a"], d: ["d"] }))).toEqual([["a", "b", "c"]]);
});

test("imports of every form are seen", () => {
  expect(importsOf("docs/reference.ts")).toContain("docs/rooms.ts");
  // A bare import, a lazy one, and those of a page in JSX.
  expect(importsOf("services/pipelines/web/page/main.tsx").length).toBeGreaterThan(1);
  expect(importsOf("stacks/workstation.ts")).toContain("stacks/workshop.ts");
});
