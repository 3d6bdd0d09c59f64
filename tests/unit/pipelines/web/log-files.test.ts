import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, test } from "vitest";
import { openLog } from "../../../../services/pipelines/web/log-files.ts";

let folder = "";
let logs = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ai-how-logs-"));
  logs = join(folder, "logs");
  await mkdir(join(logs, "below"), { recursive: true });
  await mkdir(join(folder, "logs-of-others"));
  await writeFile(join(logs, "a_stdout.log"), "mine");
  await writeFile(join(logs, "..c.log"), "dots");
  await writeFile(join(logs, "below", "b.log"), "below");
  await writeFile(join(folder, "secret"), "secret");
  await writeFile(join(folder, "logs-of-others", "x"), "theirs");
  await symlink(join(folder, "secret"), join(logs, "link.log"));
  await symlink(folder, join(logs, "out"));
  await symlink("a_stdout.log", join(logs, "inside.log"));
  execFileSync("mkfifo", [join(logs, "pipe")]);
});

afterAll(() => rm(folder, { recursive: true }));

async function content(name: string, directory = logs): Promise<string | undefined> {
  const file = await openLog(directory, name);
  try {
    return await file?.readFile("utf8");
  } finally {
    await file?.close();
  }
}

it.each([
  ["a_stdout.log", "mine"],
  ["below/b.log", "below"],
  ["./a_stdout.log", "mine"],
  ["..c.log", "dots"],
])("a log is opened: %s", async (name, text) => {
  expect(await content(name)).toBe(text);
});

it.each([
  ["a parent", "../secret"],
  ["a parent on the way", "below/../../secret"],
  ["a folder whose name begins alike", "../logs-of-others/x"],
  ["a link that leads out", "link.log"],
  ["a folder that leads out", "out/secret"],
  ["a link, also to a log", "inside.log"],
  ["an absolute path", "/etc/passwd"],
  ["a folder", "below"],
  ["the folder itself", "."],
  ["nothing", ""],
  ["a named pipe", "pipe"],
  ["a NUL", "a_stdout.log\0.txt"],
  ["what is not there", "b_stdout.log"],
  ["a name that is too long", "x".repeat(5000)],
])("nothing is opened by %s", async (_, name) => {
  expect(await content(name)).toBeUndefined();
});

test("a log folder may itself be reached by a link", async () => {
  const link = join(folder, "link-to-logs");
  await symlink(logs, link);
  expect(await content("a_stdout.log", link)).toBe("mine");
  expect(await content("../secret", link)).toBeUndefined();
});

test("there may be no log folder", async () => {
  expect(await content("a_stdout.log", join(folder, "none"))).toBeUndefined();
});
