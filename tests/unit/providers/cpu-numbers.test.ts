import fc from "fast-check";
import { expect, test } from "vitest";
import { allocateCpus, type CpuRequest } from "../../../providers/host/cpu-numbers.ts";

const requests = fc.uniqueArray(
  fc.record({ machine: fc.stringMatching(/^[a-f]$/), cpus: fc.integer({ min: 1, max: 8 }) }),
  { selector: ({ machine }) => machine },
);

test("at first, CPUs are given out from 0 on in the order of the file", () => {
  const asked = [
    { machine: "controller", cpus: 2 },
    { machine: "compute-01", cpus: 3 },
  ];
  expect(allocateCpus(asked, {})).toEqual({ controller: [0, 1], "compute-01": [2, 3, 4] });
});

test("whatever happens to the list, each CPU is one machine's, and a machine keeps those that it had", () => {
  fc.assert(
    fc.property(fc.array(requests, { minLength: 1, maxLength: 6 }), (lists: CpuRequest[][]) => {
      let had: Readonly<Record<string, readonly number[]>> = {};
      for (const list of lists) {
        const has = allocateCpus(list, had);
        const all = Object.values(has).flat();
        expect(new Set(all).size).toBe(all.length);
        for (const { machine, cpus } of list) {
          expect(has[machine]).toHaveLength(cpus);
          const before = had[machine] ?? [];
          const kept = before.filter((number) => has[machine]?.includes(number));
          expect(kept).toHaveLength(Math.min(cpus, before.length));
        }
        had = has;
      }
    }),
  );
});

test("no CPU is left free below one that is given out to a new machine", () => {
  const had = { a: [0, 1], b: [2, 3], c: [4, 5] };
  const asked = ["c", "d", "a"].map((machine) => ({ machine, cpus: 2 }));
  expect(allocateCpus(asked, had)).toEqual({ a: [0, 1], c: [4, 5], d: [2, 3] });
});
