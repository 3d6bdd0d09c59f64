import fc from "fast-check";
import { expect, test } from "vitest";
import { UserError } from "../../../config/errors.ts";
import {
  eventLine,
  isoSeconds,
  parseStatus,
  runName,
  statusLine,
  type JobStatus,
} from "../../../services/jobs/lines.ts";
import { containerName, jobPlace, runFiles, statusFile } from "../../../services/jobs/place.ts";
import { isSame, isAlive, thisProcess } from "../../../services/jobs/process.ts";

const ts = "2026-11-25T10:15:00+01:00";

test.each<[JobStatus, string]>([
  [{ state: "START", job: "a", ts }, `START job=a ts=${ts}`],
  [{ state: "PROGRESS", job: "a", ts }, `PROGRESS job=a ts=${ts} msg=running`],
  [{ state: "DONE", job: "a", ts, exitCode: 0 }, `DONE job=a ts=${ts} rc=0`],
  [{ state: "FAILED", job: "a", ts, exitCode: 137 }, `FAILED job=a ts=${ts} rc=137`],
  [{ state: "STOPPED", job: "a", ts, exitCode: 143 }, `STOPPED job=a ts=${ts} rc=143`],
  [{ state: "STOPPED", job: "a", ts }, `STOPPED job=a ts=${ts}`],
  [{ state: "LOST", job: "a", ts }, `LOST job=a ts=${ts}`],
])("%j is the line %s", (status, line) => {
  expect(statusLine(status)).toBe(line);
  expect(parseStatus(`${line}\n`)).toEqual(status);
});

test("a status file of several lines has its last one read, and one of nonsense none", () => {
  expect(parseStatus(`START job=a ts=${ts}\nDONE job=a ts=${ts} rc=0\n`)?.state).toBe("DONE");
  for (const text of ["", "\n", "RUNNING job=a ts=x", "DONE", `DONE job=a ts=${ts} rc=x`])
    expect(parseStatus(text)).toBeUndefined();
});

test("an event is one line of JSON, whatever the job is called", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (job) => {
      const line = eventLine({ state: "FAILED", job, ts, exitCode: 1 });
      expect(line.indexOf("\n")).toBe(line.length - 1);
      expect(JSON.parse(line)).toEqual({ ts, event: "failed", job, msg: "rc=1" });
    }),
  );
});

test("times are those of `date -Is`, and runs are called after them", () => {
  const time = new Date("2026-01-02T03:04:05.678Z");
  expect(new Date(isoSeconds(time)).getTime()).toBe(time.getTime() - 678);
  expect(isoSeconds(time)).toMatch(/^2026-01-0[123]T\d\d:\d\d:05[+-]\d\d:\d\d$/);
  expect(runName(time)).toMatch(/^2026010[123]-\d\d\d\d05$/);
});

test.each(["", "../x", "a/b", "-x", ".x", "a b", "a\nb", "ü"])("%j is no name of a job", (name) => {
  expect(() => jobPlace("p", name)).toThrow(UserError);
  expect(() => jobPlace(name, "j")).toThrow(UserError);
});

test("files are where the former tool had them", () => {
  const before = process.env.SYGALDRY_CONTAINER_ROOT;
  delete process.env.SYGALDRY_CONTAINER_ROOT;
  const place = jobPlace("zephyr", "spack-autobuild-3");
  if (before !== undefined) process.env.SYGALDRY_CONTAINER_ROOT = before;
  const root = "/mnt/data_infra/zephyr_container_infra/zephyr";
  expect(statusFile(place)).toBe(`${root}/bazel_cache/zephyr_jobs/spack-autobuild-3.status`);
  expect(runFiles(place, "20261125-101500")).toMatchObject({
    log: `${root}/logs/spack-autobuild-3-20261125-101500.log`,
    pid: `${root}/logs/spack-autobuild-3-20261125-101500.pid`,
    events: `${root}/bazel_cache/zephyr_jobs/spack-autobuild-3-20261125-101500.jsonl`,
  });
  expect(containerName(place)).toBe("ai-how-job.zephyr.spack-autobuild-3");
});

test("a process is the same one only with its beginning and its boot", () => {
  const own = thisProcess();
  expect(isAlive(own)).toBe(true);
  expect(isSame(own, thisProcess())).toBe(true);
  for (const other of [
    { ...own, began: "1" },
    { ...own, boot: "another" },
    { ...own, pid: 2 ** 22 + 1 },
  ]) {
    expect(isAlive(other)).toBe(false);
    expect(isSame(own, other)).toBe(false);
  }
});
