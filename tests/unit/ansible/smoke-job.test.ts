import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository } from "../../support/project.ts";

/** A folder with a fake scontrol whose configuration is longer than a pipe holds. */
let fakes: string;

beforeAll(async () => {
  fakes = await mkdtemp(join(tmpdir(), "ai-how-fake-slurm-"));
  const scontrol = join(fakes, "scontrol");
  await writeFile(
    scontrol,
    '#!/bin/bash\nprintf "AccountingStorageType   = %s\\n" "$FAKE_ACCOUNTING"\nseq 1 200000\n',
  );
  await chmod(scontrol, 0o755);
});

afterAll(() => rm(fakes, { recursive: true, force: true }));

test.each([
  ["accounting_storage/slurmdbd", 0],
  ["accounting_storage/none", 1],
])("the smoke job sees %s, however much scontrol goes on to say", async (type, exitCode) => {
  const script = await readFile(join(repository, "ansible/files/smoke-job.sh"), "utf8");
  const functions = script.replace(/^smoke "\$@"$/m, "");
  expect(functions).not.toBe(script);
  const said = await execa("bash", ["-c", `${functions}\naccounting`], {
    env: { PATH: `${fakes}:${process.env.PATH ?? ""}`, FAKE_ACCOUNTING: type },
    reject: false,
  });
  expect(said.exitCode).toBe(exitCode);
});
