import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { jobProjectRoot } from "../../../services/jobs/place.ts";

test("a job's project is where the former tool had it, or else the repository around the folder", () => {
  const base = mkdtempSync(join(tmpdir(), "ai-how-place-"));
  onTestFinished(() => {
    rmSync(base, { recursive: true, force: true });
  });
  const inner = join(base, "lab", "inner");
  mkdirSync(join(base, "lab", ".git"), { recursive: true });
  mkdirSync(inner);
  const former = join(base, "former");
  expect(jobProjectRoot(inner, former)).toBe(join(base, "lab"));
  mkdirSync(former);
  expect(jobProjectRoot(inner, former)).toBe(former);
});
