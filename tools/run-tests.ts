import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";

// Runs kinds of tests, and ends with what ran, how long it took, and why anything was skipped.
// `node tools/run-tests.ts [unit] [integration] [services] [e2e]`: all kinds by default. Exit 0 only when every kind ran
// at least one test and none failed. The last line is `N passed, N failed, N skipped`.

// One group after another. Tests of services have containers, servers and folders of their own and mostly wait for them, so
// they run beside those that boot machines.
const GROUPS = [["unit"], ["integration", "services"], ["e2e"]] as const;
const KINDS = GROUPS.flat();
type Kind = (typeof KINDS)[number];

const repository = resolve(import.meta.dirname, "..");

// What vitest's JSON reporter writes, as far as it is read here.
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(""),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          ancestorTitles: z.array(z.string()),
          status: z.enum(["passed", "failed", "skipped", "pending", "todo", "disabled"]),
        }),
      ),
    }),
  ),
});

interface Outcome {
  readonly kind: Kind;
  readonly passed: number;
  readonly failed: number;
  /** Reason of each skipped test. */
  readonly skipped: readonly string[];
  readonly seconds: number;
  /** What is wrong besides failed tests. */
  readonly problem?: string;
}

async function run(kind: Kind): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "ai-how-tests-"));
  const file = join(folder, "report.json");
  const start = performance.now();
  try {
    const vitest = join(repository, "node_modules", "vitest", "vitest.mjs");
    const child = spawn(
      process.execPath,
      [
        vitest,
        "run",
        "--project",
        kind,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${file}`,
      ],
      { cwd: repository, stdio: ["ignore", "inherit", "inherit"] },
    );
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    const seconds = (performance.now() - start) / 1000;
    return { kind, seconds, ...read(file, code ?? signal ?? "nothing") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(file: string, end: number | string): Omit<Outcome, "kind" | "seconds"> {
  const nothing = { passed: 0, failed: 0, skipped: [] };
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return { ...nothing, problem: `vitest ended with ${end} and left no report` };
  }
  const files = reportSchema.parse(JSON.parse(text)).testResults;
  const tests = files.flatMap((result) => result.assertionResults);
  const count = (status: string): number => tests.filter((test) => test.status === status).length;
  const [passed, failed] = [count("passed"), count("failed")];
  const broken = files.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  const outcome = {
    passed,
    failed: failed + broken.length,
    skipped: tests.filter(({ status }) => !["passed", "failed"].includes(status)).map(reasonOf),
  };
  if (passed + outcome.failed === 0) return { ...outcome, problem: "not one test ran" };
  // A file that cannot be read, an error outside any test: vitest fails, and no test says so.
  if (end !== 0 && outcome.failed === 0) return { ...outcome, problem: `vitest ended with ${end}` };
  return outcome;
}

/** Why a test was skipped: its group's name says so, `... (skipped: needs root)`. */
function reasonOf({ fullName }: { fullName: string }): string {
  return /\(skipped: (.*?)\)(?: |$)/.exec(fullName)?.[1] ?? `no reason given: ${fullName}`;
}

function table(outcomes: readonly Outcome[]): string {
  const rows = [
    ["kind", "passed", "failed", "skipped", "time"],
    ...outcomes.map(({ kind, passed, failed, skipped, seconds }) => [
      kind,
      String(passed),
      String(failed),
      String(skipped.length),
      `${Math.floor(seconds / 60)} min ${String(Math.round(seconds) % 60).padStart(2, "0")} s`,
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

function reasons(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ kind, skipped }) =>
    [...Map.groupBy(skipped, (reason) => reason)].map(
      ([reason, tests]) => `skipped: ${tests.length} of ${kind}: ${reason}`,
    ),
  );
}

const { positionals } = parseArgs({ allowPositionals: true });
const unknown = positionals.filter((name) => !KINDS.some((kind) => kind === name));
if (unknown.length > 0) {
  process.stderr.write(
    `${unknown.join(", ")}: there is no such kind of test; there are ${KINDS.join(", ")}\n`,
  );
  process.exit(2);
}
const outcomes: Outcome[] = [];
for (const group of GROUPS) {
  const wanted = group.filter((kind) => positionals.length === 0 || positionals.includes(kind));
  outcomes.push(...(await Promise.all(wanted.map(run))));
}
const problems = outcomes.flatMap(({ kind, problem }) =>
  problem === undefined ? [] : [`${kind}: ${problem}`],
);
const total = (count: (outcome: Outcome) => number): number =>
  outcomes.reduce((sum, outcome) => sum + count(outcome), 0);
const failed = total((outcome) => outcome.failed);
process.stdout.write(
  [
    "",
    table(outcomes),
    ...reasons(outcomes),
    ...problems,
    `${total(({ passed }) => passed)} passed, ${failed} failed, ${total(({ skipped }) => skipped.length)} skipped`,
    "",
  ].join("\n"),
);
process.exitCode = failed > 0 || problems.length > 0 ? 1 : 0;
