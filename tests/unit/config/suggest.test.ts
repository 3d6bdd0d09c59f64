import { expect, test } from "vitest";
import { suggestion } from "../../../config/index.ts";

test.each([
  ["cpu_core", ["cpu_cores", "memory_gb"], "did you mean cpu_cores?"],
  ["CPU_CORES", ["cpu_cores", "memory_gb"], "did you mean cpu_cores?"],
  ["colour", ["name", "nodes"], "there are name, nodes"],
  ["compute-03", ["compute-01", "compute-02"], "there are compute-01, compute-02"],
  ["x", ["name"], "there is only name"],
  ["x", [], "there is none"],
])("%s among %j: %s", (word, candidates, text) => {
  expect(suggestion(word, candidates)).toBe(text);
});

test("long lists are shortened", () => {
  const names = Array.from({ length: 1000 }, (_, i) => `compute-${i}`);
  expect(suggestion("head", names)).toBe(`there are ${names.slice(0, 16).join(", ")} and 984 more`);
});
