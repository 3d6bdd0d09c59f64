import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Running } from "../../support/command.ts";
import { repository } from "../../support/project.ts";

const PROGRAMS = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-kubernetes"];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ai-how-build-"));
  await writeFile(log(), "");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const log = (): string => join(folder, "log");
const builds = async (): Promise<string[]> => (await readFile(log(), "utf8")).split("\n").filter(Boolean);

async function checkout(name: string): Promise<string> {
  const root = join(folder, name);
  await mkdtemp(`${root}-`).then((made) => symlink(made, root));
  for (const part of ["tools", ".venv"]) await symlink(join(repository, part), join(root, part));
  return root;
}

/** Starts tools/pulumi.sh of a checkout, with a fake Go that takes some seconds for a build. */
function start(root: string, seconds = 0): Running {
  return new Running(join(root, "tools/pulumi.sh"), [], {
    env: {
      PATH: [join(repository, "tests/support/fake-go"), process.env.PATH].join(delimiter),
      XDG_CACHE_HOME: join(folder, "cache"),
      FAKE_GO_LOG: log(),
      FAKE_GO_SECONDS: String(seconds),
    },
  });
}

test("two checkouts at once build once, and each ends with the path of the command", async () => {
  const roots = [await checkout("one"), await checkout("other")];
  const said = await Promise.all(roots.map((root) => start(root, 1).ended));
  expect(await builds()).toEqual(PROGRAMS);
  for (const [i, { exitCode, stdout, output }] of said.entries()) {
    expect(exitCode, output).toBe(0);
    expect(stdout.split("\n").at(-1)).toBe(join(roots[i] ?? "", ".ai-how/cache/pulumi/bin/pulumi"));
  }
  expect(said.filter(({ output }) => output.includes("another checkout does it; waiting"))).toHaveLength(1);

  const again = await start(roots[0] ?? "").ended;
  expect(again.stdout.split("\n")[0]).toBe("pulumi: built");
  expect(await builds()).toEqual(PROGRAMS);
});

test("one that is interrupted leaves nothing half made, and the next goes on after what was finished", async () => {
  const root = await checkout("one");
  const first = start(root, 2);
  await expect.poll(builds, { timeout: 20_000 }).toEqual(PROGRAMS.slice(0, 2));
  process.kill(first.pid, "SIGTERM");
  expect((await first.ended).exitCode).toBe(130);
  const [version = ""] = await readdir(join(folder, "cache/ai-how/pulumi"));
  expect((await readdir(join(folder, "cache/ai-how/pulumi", version))).sort()).toEqual(["bin", "lock"]);
  await expect(stat(join(root, ".ai-how"))).rejects.toThrow("ENOENT");

  expect((await start(root).ended).exitCode).toBe(0);
  expect(await builds()).toEqual([...PROGRAMS.slice(0, 2), ...PROGRAMS.slice(1)]);
});
