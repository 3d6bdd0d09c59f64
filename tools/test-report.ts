import { relative, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import { MISSING } from "../tests/required.ts";

// The summary of a test run, from the reports of vitest's JSON reporter.

const repository = resolve(import.meta.dirname, "..");

export const KINDS = ["unit", "integration", "e2e"] as const;
export type Kind = (typeof KINDS)[number];

// The part of the report of vitest's JSON reporter that is used here.
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string().transform((path) => relative(repository, path)),
      status: z.string(),
      message: z.string().default(""),
      startTime: z.number(),
      endTime: z.number(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          ancestorTitles: z.array(z.string()),
          status: z.enum(["passed", "failed", "skipped", "pending", "todo", "disabled"]),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});
export type File = z.output<typeof reportSchema>["testResults"][number];

/** The files of a report, with paths relative to the repository. */
export function filesOf(report: string): File[] {
  return reportSchema.parse(JSON.parse(report)).testResults;
}

/** Options of vitest: a missing golden file fails its test, and `.only` fails its file. */
export const STRICT = ["--update=none", "--allowOnly=false"];

export interface Outcome {
  readonly kind: Kind;
  readonly passed: number;
  readonly failed: number;
  /** Reason of each skipped test. */
  readonly skipped: readonly string[];
  /** Sum over all files, of which some ran in parallel. */
  readonly seconds: number;
}

export function outcomeOf(kind: Kind, all: readonly File[]): Outcome {
  const files = all.filter(({ name }) => name.startsWith(`tests/${kind}/`));
  const tests = files.flatMap((result) => result.assertionResults);
  const count = (status: string): number => tests.filter((test) => test.status === status).length;
  return {
    kind,
    passed: count("passed"),
    failed: failures(files).length,
    skipped: tests.filter(({ status }) => !["passed", "failed"].includes(status)).map(reasonOf),
    seconds: files.reduce((sum, { startTime, endTime }) => sum + (endTime - startTime) / 1000, 0),
  };
}

const NO_REASON = "no reason given: ";

/** Why a test was skipped, from its group's name: `... (skipped: there is no /dev/kvm)`. */
function reasonOf({ fullName }: { fullName: string }): string {
  return /\(skipped: (.*?)\)(?: |$)/.exec(fullName)?.[1] ?? `${NO_REASON}${fullName}`;
}

/** The lines of `reasons` that fail the run: for tests skipped without a reason, or because something required was missing. */
export function refused(outcomes: readonly Outcome[]): string[] {
  return reasons(
    outcomes.map((outcome) => ({
      ...outcome,
      skipped: outcome.skipped.filter((reason) => reason.startsWith(MISSING) || reason.startsWith(NO_REASON)),
    })),
  ).map((line) => `must not be skipped: ${line.replace(/^skipped: /, "")}`);
}

export function table(outcomes: readonly Outcome[]): string {
  const rows = [
    ["kind", "passed", "failed", "skipped", "time"],
    ...outcomes.map(({ kind, passed, failed, skipped, seconds }) => [
      kind,
      String(passed),
      String(failed),
      String(skipped.length),
      minutes(seconds),
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    )
    .join("\n");
}

export function minutes(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

export function reasons(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ kind, skipped }) =>
    [...Map.groupBy(skipped, (reason) => reason)].map(
      ([reason, tests]) => `skipped: ${tests.length} of ${kind}: ${reason}`,
    ),
  );
}

/** A line for each failed test, and for each file with an error outside of its tests. Printed last, where people look first. */
export function failures(files: readonly File[]): string[] {
  return files.flatMap(({ name, status, message, assertionResults }) => {
    const line = (what: string, why = ""): string =>
      `failed: ${what}: ${stripVTControlCharacters(why).split("\n")[0] ?? ""}`;
    const failed = assertionResults
      .filter((test) => test.status === "failed")
      .map(({ fullName, failureMessages }) => line(`${name}: ${fullName}`, failureMessages?.[0]));
    const isBroken = status === "failed" && failed.length === 0;
    return isBroken ? [line(name, message || "something around its tests failed")] : failed;
  });
}
