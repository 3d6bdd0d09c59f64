import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { STRICT } from "../../../tools/test-report.ts";
import { repository } from "../../support/project.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ai-how-strict-"));
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
  await writeFile(
    join(folder, "vitest.config.js"),
    'export default { test: { include: ["*.check.js"] } };\n',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs vitest as `make test` does on one file of tests. */
async function run(body: string) {
  await writeFile(join(folder, "a.check.js"), `import { expect, test } from "vitest";\n${body}\n`);
  const vitest = join(repository, "node_modules", "vitest", "vitest.mjs");
  const env = { CI: "", NO_COLOR: "1" };
  return execa(process.execPath, [vitest, "run", ...STRICT], { cwd: folder, env, reject: false, all: true });
}

test("a golden file that is missing fails its test, and is not written", async () => {
  const done = await run('test("a", () => expect("now").toMatchFileSnapshot("a.golden"));');
  expect(done.exitCode, done.all).toBe(1);
  expect(done.all).toMatch(/Snapshot `a 1` mismatched/);
  expect(existsSync(join(folder, "a.golden"))).toBe(false);
});

test("`.only` fails its file", async () => {
  const done = await run('test.only("a", () => undefined);\ntest("b", () => undefined);');
  expect(done.exitCode, done.all).toBe(1);
  expect(done.all).toContain("Unexpected .only modifier");
});

test("what has neither passes", async () => {
  const done = await run('test("a", () => undefined);');
  expect(done.exitCode, done.all).toBe(0);
});
