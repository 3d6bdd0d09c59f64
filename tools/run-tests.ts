import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { z } from "zod";

// Runs kinds of tests, and ends with what ran, how long it took, why anything was skipped and what failed.
// `node tools/run-tests.ts [unit] [integration] [e2e]`: all kinds by default. Exit 0 only when every kind ran at least one
// test and none failed. The last line is `N passed, N failed, N skipped`.

const KINDS = ["unit", "integration", "e2e"] as const;
type Kind = (typeof KINDS)[number];

interface Group {
  readonly projects: readonly string[];
  /** Of which there are tests in it. */
  readonly kinds: readonly Kind[];
  /** How many files run at a time. */
  readonly workers: number;
}

// What vitest.config.ts calls projects. Machines that boot and jobs that wait leave processors idle: files of such tests run beside
// each other, and those that want the host for themselves beside unit tests, which change nothing on it. A stage begins when
// the one before has ended.
const STAGES: readonly (readonly Group[])[] = [
  [
    { projects: ["unit"], kinds: ["unit"], workers: availableParallelism() },
    { projects: ["alone"], kinds: ["integration", "e2e"], workers: 1 },
  ],
  [
    {
      projects: ["integration", "e2e"],
      kinds: ["integration", "e2e"],
      workers: Math.max(3, availableParallelism()),
    },
  ],
];

const repository = resolve(import.meta.dirname, "..");

// What vitest's JSON reporter writes, as far as it is read here.
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
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
type File = z.output<typeof reportSchema>["testResults"][number];

interface Outcome {
  readonly kind: Kind;
  readonly passed: number;
  readonly failed: number;
  /** Reason of each skipped test. */
  readonly skipped: readonly string[];
  /** Of all files together; some of them ran beside each other. */
  readonly seconds: number;
}

interface GroupOutcome {
  readonly files: readonly File[];
  /** What is wrong besides failed tests. */
  readonly problem?: string;
}

async function run({ projects, workers }: Group): Promise<GroupOutcome> {
  const folder = mkdtempSync(join(tmpdir(), "ai-how-tests-"));
  const file = join(folder, "report.json");
  try {
    const vitest = join(repository, "node_modules", "vitest", "vitest.mjs");
    const filters = wanted.map((kind) => `tests/${kind}/`);
    const child = spawn(
      process.execPath,
      [
        ...[vitest, "run", ...projects.flatMap((name) => ["--project", name])],
        ...["--maxWorkers", String(workers), "--reporter=default", "--reporter=json"],
        ...[`--outputFile.json=${file}`, "--passWithNoTests", ...filters],
      ],
      { cwd: repository, stdio: ["ignore", "inherit", "inherit"] },
    );
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return read(file, code ?? signal ?? "nothing");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(file: string, end: number | string): GroupOutcome {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return { files: [], problem: `vitest ended with ${end} and left no report` };
  }
  const files = reportSchema.parse(JSON.parse(text)).testResults;
  const isFailed = files.some(({ status }) => status === "failed");
  // An error outside any test: vitest fails, and no test says so.
  return end !== 0 && !isFailed ? { files, problem: `vitest ended with ${end}` } : { files };
}

function outcomeOf(kind: Kind, all: readonly File[]): Outcome {
  const files = all.filter(({ name }) => relative(repository, name).startsWith(`tests/${kind}/`));
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

function minutes(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

function reasons(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ kind, skipped }) =>
    [...Map.groupBy(skipped, (reason) => reason)].map(
      ([reason, tests]) => `skipped: ${tests.length} of ${kind}: ${reason}`,
    ),
  );
}

/** A line for each test that failed, and each file that could not be read or cleaned up after: of a long log, people see the end. */
function failures(files: readonly File[]): string[] {
  return files.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(repository, name);
    const line = (what: string, why = ""): string =>
      `failed: ${what}: ${stripVTControlCharacters(why).split("\n")[0] ?? ""}`;
    const failed = assertionResults
      .filter((test) => test.status === "failed")
      .map(({ fullName, failureMessages }) => line(`${file}: ${fullName}`, failureMessages?.[0]));
    const isBroken = status === "failed" && failed.length === 0;
    return isBroken ? [line(file, message || "something around its tests failed")] : failed;
  });
}

const { positionals } = parseArgs({ allowPositionals: true });
const unknown = positionals.filter((name) => !KINDS.some((kind) => kind === name));
if (unknown.length > 0) {
  process.stderr.write(
    `${unknown.join(", ")}: there is no such kind of test; there are ${KINDS.join(", ")}\n`,
  );
  process.exit(2);
}
const wanted = KINDS.filter((kind) => positionals.length === 0 || positionals.includes(kind));
const start = performance.now();
const groups: GroupOutcome[] = [];
for (const stage of STAGES) {
  const some = stage.filter(({ kinds }) => wanted.some((kind) => kinds.includes(kind)));
  groups.push(...(await Promise.all(some.map(run))));
}
const files = groups.flatMap((group) => group.files);
const outcomes = wanted.map((kind) => outcomeOf(kind, files));
const problems = [
  ...groups.flatMap(({ problem }) => problem ?? []),
  ...outcomes
    .filter(({ passed, failed }) => passed + failed === 0)
    .map(({ kind }) => `${kind}: not one test ran`),
];
const total = (count: (outcome: Outcome) => number): number =>
  outcomes.reduce((sum, outcome) => sum + count(outcome), 0);
const failed = total((outcome) => outcome.failed);
process.stdout.write(
  [
    "",
    table(outcomes),
    ...reasons(outcomes),
    ...failures(files),
    ...problems,
    `all of it took ${minutes((performance.now() - start) / 1000)}`,
    `${total(({ passed }) => passed)} passed, ${failed} failed, ${total(({ skipped }) => skipped.length)} skipped`,
    "",
  ].join("\n"),
);
process.exitCode = failed > 0 || problems.length > 0 ? 1 : 0;
