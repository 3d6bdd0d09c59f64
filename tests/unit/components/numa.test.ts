import fc from "fast-check";
import { expect, it } from "vitest";
import { numaCells } from "../../../components/machines/numa.ts";

it("splits CPUs and memory, memory in whole pages", () => {
  expect(numaCells(2, 3, 3072, 1048576)).toEqual([
    { cpus: "0-1", memory: 2048 },
    { cpus: "2", memory: 1024 },
  ]);
  expect(numaCells(1, 4, 4096, 1024)).toEqual([{ cpus: "0-3", memory: 4096 }]);
});

it("distributes all of it, and sizes differ by one page at most", () => {
  const pages = fc.constantFrom(1024, 2048, 1048576);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.nat(56),
      fc.integer({ min: 8, max: 64 }),
      pages,
      (nodes, more, gib, page) => {
        const cells = numaCells(nodes, nodes + more, gib * 1024, page);
        const cpus = cells.flatMap(({ cpus: list }) => {
          const [first = 0, last = first] = list.split("-").map(Number);
          return Array.from({ length: last - first + 1 }, (_, index) => first + index);
        });
        const memory = cells.map((cell) => cell.memory);
        expect(cpus).toEqual(Array.from({ length: nodes + more }, (_, cpu) => cpu));
        expect(memory.reduce((sum, each) => sum + each, 0)).toBe(gib * 1024);
        expect(Math.max(...memory) - Math.min(...memory)).toBeLessThanOrEqual(page / 1024);
      },
    ),
  );
});
