import { describe, expect, test } from "vitest";
import { deriveSite, formatProblem, loadClusterFile } from "../../../config/index.ts";
import { fixtures } from "./fixtures.ts";
import { problemLines } from "./problems.ts";

const STACKS = ["dev", "workstation"].map((name) => `stacks/${name}.yaml`);

describe("valid files", () => {
  test.each(fixtures("valid"))("$name", ({ path, text, lines }) => {
    const { config, warnings } = loadClusterFile(path);
    expect(warnings.map(formatProblem)).toEqual(lines);
    const site = deriveSite(config);
    expect(site.clusters.length).toBeGreaterThan(0);
    expect(text, "its first line says what it shows").toMatch(/^# \S/);
  });
});

describe("invalid files", () => {
  test.each(fixtures("invalid"))("$name", ({ path, text, lines }) => {
    expect(text, "its first line says which bug it has").toMatch(/^# Bug: \S/);
    expect(lines).not.toEqual([]);
    expect(problemLines(() => loadClusterFile(path))).toEqual(lines);
  });
});

test.each(STACKS)("%s is valid, without warnings", (path) => {
  expect(loadClusterFile(path).warnings).toEqual([]);
});
