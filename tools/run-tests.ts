import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { lineOf, look, report } from "../tests/required.ts";
import {
  KINDS,
  failures,
  filesOf,
  minutes,
  outcomeOf,
  reasons,
  refused,
  STRICT,
  table,
  type File,
  type Kind,
  type Outcome,
} from "./test-report.ts";

// Runs kinds of tests, and ends with what ran, how long it took, why anything was skipped and what failed.
// `node tools/run-tests.ts [unit] [integration] [e2e]`: all kinds by default. Exit 0 only when every kind ran at least one
// test, none failed, and none was skipped without a reason or for want of something in tests/required.ts. The last line is
// `N passed, N failed, N skipped`.

interface Group {
  readonly projects: readonly string[];
  /** Of which there are tests in it. */
  readonly kinds: readonly Kind[];
  /** How many files run at a time. */
  readonly workers: number;
}

// What vitest.config.ts calls projects. Machines that boot and jobs that wait leave processors idle: files of such tests run beside
// each other, and those that want the host for themselves beside unit tests, which change nothing on it but a cache. A stage begins when
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
        ...[`--outputFile.json=${file}`, "--passWithNoTests"],
        ...STRICT,
        ...filters,
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
  const files = filesOf(text);
  const isFailed = files.some(({ status }) => status === "failed");
  // An error outside any test: vitest fails, and no test says so.
  return end !== 0 && !isFailed ? { files, problem: `vitest ended with ${end}` } : { files };
}

/** Builds Pulumi's CLI where there is none, or waits for who does; what comes of it is in the report. */
async function makePulumi(): Promise<void> {
  if ((await look("Pulumi's CLI")).status !== "missing") return;
  await execa(join(repository, "tools", "pulumi.sh"), {
    stdio: ["ignore", "inherit", "inherit"],
    reject: false,
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
  // The first stage's tests ask for none, so that a build has its time.
  if (stage !== STAGES[0] && some.length > 0) await makePulumi();
  groups.push(...(await Promise.all(some.map(run))));
}
const files = groups.flatMap((group) => group.files);
const outcomes = wanted.map((kind) => outcomeOf(kind, files));
// Unit tests need nothing of it.
const parts = wanted.some((kind) => kind !== "unit") ? await report() : [];
const problems = [
  ...refused(outcomes),
  ...parts.flatMap((part) => (part.status === "missing" ? `required: ${lineOf(part)}` : [])),
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
    ...(parts.length > 0 ? ["required:", ...parts.map((part) => `  ${lineOf(part)}`)] : []),
    ...reasons(outcomes),
    ...failures(files),
    ...problems,
    `all of it took ${minutes((performance.now() - start) / 1000)}`,
    `${total(({ passed }) => passed)} passed, ${failed} failed, ${total(({ skipped }) => skipped.length)} skipped`,
    "",
  ].join("\n"),
);
process.exitCode = failed > 0 || problems.length > 0 ? 1 : 0;
