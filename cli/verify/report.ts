import { styleText } from "node:util";
import type { Result, Status } from "./step.ts";

const COLOURS: Readonly<Record<Status, "green" | "red" | "yellow">> = {
  passed: "green",
  failed: "red",
  "not tried": "yellow",
};

/** A result as one or two lines of text. */
export function shown({ step, subject, status, found, remedy, seconds }: Result): string {
  const what = subject === undefined ? step : `${subject}: ${step}`;
  const time = seconds >= 1 ? ` (${seconds} s)` : "";
  const line = `${styleText(COLOURS[status], status.padEnd(9))} ${what}: ${found}${time}\n`;
  return remedy === undefined ? line : `${line}            ${remedy}\n`;
}

/** The last line of the report: the number of steps of each status. */
export function summary(results: readonly Result[]): string {
  const count = (status: Status): number => results.filter((result) => result.status === status).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("not tried")} not tried\n`;
}

/** The report as JSON. */
export function document(about: object, results: readonly Result[]): string {
  const of = (status: Status): string[] =>
    results
      .filter((result) => result.status === status)
      .map(({ step, subject }) => (subject === undefined ? step : `${subject}: ${step}`));
  const lists = { failures: of("failed"), notTried: of("not tried") };
  return `${JSON.stringify({ ...about, passed: lists.failures.length === 0, ...lists, steps: results }, undefined, 2)}\n`;
}
