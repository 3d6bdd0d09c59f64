import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { failures, filesOf, outcomeOf, reasons, refused } from "../../../tools/test-report.ts";

const root = resolve(import.meta.dirname, "../../..");

/** A file as vitest's JSON reporter writes it, as far as it is read. */
function file(path: string, status: "passed" | "failed", tests: readonly object[], message = ""): object {
  return {
    name: `${root}/${path}`,
    status,
    message,
    startTime: 1000,
    endTime: 3500,
    assertionResults: tests,
  };
}

function test(fullName: string, status: string, ...failureMessages: string[]): object {
  return { fullName, ancestorTitles: [], status, failureMessages };
}

const read = (...testResults: object[]): ReturnType<typeof filesOf> =>
  filesOf(JSON.stringify({ testResults }));

describe("the report of a test run", () => {
  const files = read(
    file("tests/unit/good.test.ts", "passed", [test("adds", "passed")]),
    file("tests/unit/bad.test.ts", "failed", [
      test("adds", "passed"),
      test(
        "divides",
        "failed",
        "\u001B[31mAssertionError: expected 1 to be 2\u001B[39m\n    at bad.test.ts:3",
      ),
    ]),
    file("tests/e2e/vm.test.ts", "passed", [test("VMs (skipped: needs root) boot", "skipped")]),
  );

  it("counts what passed, failed and was skipped, a kind", () => {
    expect(outcomeOf("unit", files)).toEqual({ kind: "unit", passed: 2, failed: 1, skipped: [], seconds: 5 });
    expect(outcomeOf("e2e", files)).toMatchObject({ passed: 0, failed: 0, skipped: ["needs root"] });
  });

  it("has a line for each failed test: file, name, and the first line of why", () => {
    expect(failures(files)).toEqual([
      "failed: tests/unit/bad.test.ts: divides: AssertionError: expected 1 to be 2",
    ]);
  });

  it("says why tests were skipped, and which gave no reason", () => {
    const silent = read(file("tests/unit/good.test.ts", "passed", [test("adds", "skipped")]));
    expect(reasons([outcomeOf("e2e", files), outcomeOf("unit", silent)])).toEqual([
      "skipped: 1 of e2e: needs root",
      "skipped: 1 of unit: no reason given: adds",
    ]);
  });

  it("refuses a skip without a reason, and one for want of something required", () => {
    const skipped = read(
      file("tests/e2e/vm.test.ts", "passed", [
        test("VMs (skipped: required: Docker: dockerd is not installed) boot", "skipped"),
        test("VMs (skipped: required: Docker: dockerd is not installed) end", "skipped"),
        test("a GPU (skipped: there is no /dev/kvm) works", "skipped"),
        test("adds", "skipped"),
        test("divides", "todo"),
      ]),
    );
    expect(refused([outcomeOf("e2e", skipped)])).toEqual([
      "must not be skipped: 2 of e2e: required: Docker: dockerd is not installed",
      "must not be skipped: 1 of e2e: no reason given: adds",
      "must not be skipped: 1 of e2e: no reason given: divides",
    ]);
    expect(refused([outcomeOf("e2e", files)])).toEqual([]);
  });

  it.each([
    [
      "cannot be read",
      file("tests/unit/a.test.ts", "failed", [], "Cannot find module './none.ts'\nimported from it"),
      "failed: tests/unit/a.test.ts: Cannot find module './none.ts'",
    ],
    [
      "fails in a hook after tests that passed",
      file("tests/unit/a.test.ts", "failed", [test("adds", "passed")]),
      "failed: tests/unit/a.test.ts: something around its tests failed",
    ],
  ])("counts a file that %s as a failed test", (_, broken, line) => {
    expect(outcomeOf("unit", read(broken)).failed).toBe(1);
    expect(failures(read(broken))).toEqual([line]);
  });
});
