import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgetOldRuns, runsOf } from "../../../services/jobs/run.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ai-how-runs-"));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

/** A run as one of the given second left its record. */
function record(job: string, second: number, isOver: boolean): void {
  const run = `20261125-1015${String(second).padStart(2, "0")}`;
  const at = new Date(Date.UTC(2026, 10, 25, 10, 15, second)).toISOString();
  const folder = join(root, "jobs", `${job}-${run}`);
  mkdirSync(folder, { recursive: true });
  const written = {
    ...{ version: 1, project: "tests", job, root, run, container: "c", startedAt: at },
    ...{ engine: { program: "docker", variables: {} }, starter: { pid: 1, began: "1", boot: "b" } },
    ...{ logBytes: 1, logKeep: 1, progressSeconds: 1 },
  };
  writeFileSync(join(folder, "record.json"), JSON.stringify(written));
  if (isOver) writeFileSync(join(folder, "outcome.json"), JSON.stringify({ state: "DONE", at, exitCode: 0 }));
}

const seconds = (job: string): number[] =>
  runsOf(root, job).map(({ record }) => Number(record.run.slice(-2)));

test("of a job's runs that are over the newest 20 are remembered, and every one that is not over", () => {
  for (let second = 0; second < 25; second++) record("train", second, second !== 1);
  for (let second = 0; second < 25; second++) record("train-2", second, true);
  expect(seconds("train")).toHaveLength(25);
  forgetOldRuns({ project: "tests", job: "train", root });
  expect(seconds("train")).toEqual([1, ...Array.from({ length: 20 }, (_, index) => index + 5)]);
  expect(seconds("train-2")).toHaveLength(25);
});

test("a job that never ran has nothing to forget", () => {
  forgetOldRuns({ project: "tests", job: "train", root });
  expect(runsOf(root)).toEqual([]);
});
