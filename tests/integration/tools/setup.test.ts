import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository } from "../../support/project.ts";

describe("tools/setup.sh", () => {
  let user = "";

  // A checkout in which nobody has developed.
  beforeAll(async () => {
    user = await mkdtemp(join(tmpdir(), "ai-how-setup-"));
    for (const part of ["tools", "node_modules", ".venv", "package.json", "package-lock.json"])
      await symlink(join(repository, part), join(user, part));
    await mkdir(join(user, ".ai-how"));
    for (const step of ["npm", "python", "pulumi"]) {
      const done = `.ai-how/setup-${step}.done`;
      // None where a `pulumi` of the host's own was there before.
      if (existsSync(join(repository, done))) await copyFile(join(repository, done), join(user, done));
    }
  });
  afterAll(() => rm(user, { recursive: true, force: true }));

  it.each([
    ["a user's", [], () => user],
    ["a developer's", ["--develop"], () => repository],
  ] as const)(
    "has nothing to do in %s checkout where everything is there, and says nothing",
    async (_whose, args, cwd) => {
      const { exitCode, all } = await execa("tools/setup.sh", [...args], {
        cwd: cwd(),
        reject: false,
        all: true,
      });
      expect(all).toBe("");
      expect(exitCode).toBe(0);
    },
  );
});
