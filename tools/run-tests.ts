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

// Runs kinds of tests, then prints what ran, how long it took, why tests were skipped, and what failed.
// `node tools/run-tests.ts [unit] [integration] [e2e]`: all kinds by default. Exit 0 only when every kind ran at least one
// test, no test failed, and none was skipped without a reason or because something in tests/required.ts was missing. The last line is
// `N passed, N failed, N skipped`.

interface Group {
  readonly projects: readonly string[];
  /** Kinds with tests in it. */
  readonly kinds: readonly Kind[];
  /** Number of files at a time. */
  readonly workers: number;
}

// The projects of vitest.config.ts. Booting machines and waiting jobs leave processors idle, so files of such tests run in parallel.
// Tests that need the host alone run beside unit tests, which change only a cache on it. A stage begins when the one before has ended.
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
  /** A problem other than failed tests. */
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
  // An error outside of all tests.
  return end !== 0 && !isFailed ? { files, problem: `vitest ended with ${end}` } : { files };
}

/** Builds a missing Pulumi CLI, or waits for another build; the report has the result. */
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
  // The first stage does not need it, so the build has time.
  if (stage !== STAGES[0] && some.length > 0) await makePulumi();
  groups.push(...(await Promise.all(some.map(run))));
}
const files = groups.flatMap((group) => group.files);
const outcomes = wanted.map((kind) => outcomeOf(kind, files));
// Unit tests need none of these.
const parts = wanted.some((kind) => kind !== "unit") ? await report() : [];
const problems = [
  ...refused(outcomes),
  ...parts.flatMap((part) => (part.status === "missing" ? `required: ${lineOf(part)}` : [])),
  ...groups.flatMap(({ problem }) => problem ?? []),
  ...outcomes.filter(({ passed, failed }) => passed + failed === 0).map(({ kind }) => `${kind}: no test ran`),
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
    `total time: ${minutes((performance.now() - start) / 1000)}`,
    `${total(({ passed }) => passed)} passed, ${failed} failed, ${total(({ skipped }) => skipped.length)} skipped`,
    "",
  ].join("\n"),
);
process.exitCode = failed > 0 || problems.length > 0 ? 1 : 0;
