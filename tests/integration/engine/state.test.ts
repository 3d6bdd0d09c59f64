import { existsSync } from "node:fs";
import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { outputsOf } from "../../../engine/engine.ts";
import { Project } from "../../support/project.ts";

const SECRET = "hunter2-is-not-a-good-password";

test("secrets are encrypted in the state, hidden in what is shown, and known to the program", async () => {
  const project = await Project.create(`
    const word = pulumi.secret(${JSON.stringify(SECRET)});
    const echo = new command.local.Command("echo", { create: "echo $WORD", environment: { WORD: word } });
    const random = new host.RandomSecret("random", { bytes: 32 });
    export const said = echo.stdout;
    export const random_ = random.value;
    export const open = pulumi.unsecret(echo.stdout).apply((text) => text.length);`);
  const run = await project.run("up");
  expect(run.error).toBeUndefined();
  expect(JSON.stringify(run.events)).not.toContain(SECRET);
  expect(run.events).toContainEqual(expect.objectContaining({ type: "log", line: "[secret]" }));
  const text = await readFile(project.stateFile, "utf8");
  expect(text).not.toContain(SECRET);
  expect((await stat(project.stateFile)).mode & 0o777).toBe(0o600);
  const outputs = await outputsOf(project.engine);
  expect(outputs).toMatchObject({
    said: { value: SECRET, secret: true },
    random_: { secret: true },
    open: { value: SECRET.length, secret: false },
  });
});

test("an unchanged stack keeps its state file byte for byte", async () => {
  const project = await Project.create('new host.RandomSecret("random", { bytes: 32 });');
  await project.run("up");
  const before = await readFile(project.stateFile, "utf8");
  await project.run("up");
  expect(await readFile(project.stateFile, "utf8")).toBe(before);
});

test("a truncated state file is refused, and its backup named", async () => {
  const project = await Project.create('new host.RandomSecret("one", { bytes: 32 });');
  await project.run("up");
  await project.program(
    'new host.RandomSecret("one", { bytes: 32 }); new host.RandomSecret("two", { bytes: 32 });',
  );
  await project.run("up");
  await truncate(project.stateFile, 200);
  const run = await project.run("up");
  expect(run.error?.message).toMatch(/test\.json: this state file is damaged.*test\.json\.bak/);
  expect(JSON.parse(await readFile(`${project.stateFile}.bak`, "utf8"))).toMatchObject({ stack: "test" });
});

test("what an engine left that was killed while it wrote goes with the stack", async () => {
  const project = await Project.create('new host.RandomSecret("one", { bytes: 32 });');
  await project.run("up");
  const left = `${project.stateFile}.4273594193`;
  await writeFile(left, "{");
  await writeFile(`${project.stateFile}.mine`, "");
  await project.run("down");
  expect([left, project.stateFile, `${project.stateFile}.mine`].map((file) => existsSync(file))).toEqual([
    false,
    false,
    true,
  ]);
});

test("a wrong passphrase is refused before anything happens", async () => {
  const project = await Project.create('new host.RandomSecret("one", { bytes: 32 });');
  await project.run("up");
  await writeFile(join(project.root, ".ai-how", "passphrase"), "another one\n");
  expect((await project.run("up")).error?.message).toMatch(/the passphrase does not open this state/);
});

test("of two runs at once the second refuses, and says who is at work", async () => {
  const project = await Project.create('new command.local.Command("slow", { create: "sleep 2" });');
  const first = project.run("up");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const second = await project.run("up");
  expect(second.error?.message).toMatch(
    new RegExp(`another \`ai-how up\` is working on this stack: process ${process.pid} on `),
  );
  expect((await first).summary).toEqual({ create: 1 });
});

test("the lock of a process that is gone is taken over", async () => {
  const project = await Project.create("");
  await project.run("up");
  const holder = {
    pid: 4_194_303,
    started: "1",
    host: (await import("node:os")).hostname(),
    operation: "up",
  };
  await writeFile(join(project.root, ".ai-how", "test.lock"), JSON.stringify(holder));
  expect((await project.run("up")).error).toBeUndefined();
});

test("an interrupted run stops what runs, and the next one goes on", async () => {
  const project = await Project.create('new command.local.Command("slow", { create: "sleep 30" });');
  const abort = new AbortController();
  const run = project.run("up", { abort });
  setTimeout(() => {
    abort.abort();
  }, 1500);
  expect((await run).error?.message).toMatch(/interrupted/);
  await project.program('new command.local.Command("slow", { create: "true" });');
  expect((await project.run("up")).summary).toEqual({ create: 1 });
});

test("a run that is interrupted before it has begun says so, too", async () => {
  const project = await Project.create('new command.local.Command("one", { create: "true" });');
  const abort = new AbortController();
  abort.abort();
  expect((await project.run("up", { abort })).error?.message).toMatch(/interrupted/);
});

test("a changed file of an asset is a changed input", async () => {
  const project = await Project.create(
    'new command.local.Command("one", { create: "true", triggers: [new pulumi.asset.FileArchive("folder")] });',
  );
  const { mkdir } = await import("node:fs/promises");
  await mkdir(join(project.root, "folder"));
  await writeFile(join(project.root, "folder", "file"), "1");
  expect((await project.run("up")).summary).toEqual({ create: 1 });
  expect((await project.run("up")).summary).toEqual({ same: 1 });
  await writeFile(join(project.root, "folder", "file"), "2");
  expect((await project.run("up")).summary).toEqual({ replace: 1 });
});

test("outputs of the last good run stay when the program fails", async () => {
  const project = await Project.create(
    `const one = new command.local.Command("one", { create: "true" }); export const answer = 42;`,
  );
  await project.run("up");
  await project.program(`throw new Error("no answer");`);
  expect((await project.run("up")).error?.message).toBe("the program failed");
  expect(await project.outputs()).toEqual({ answer: 42 });
});

test("a preview, and a program that fails before it has made anything, leave no state and no passphrase", async () => {
  const project = await Project.create('new host.RandomSecret("one", { bytes: 32 });');
  expect((await project.run("preview")).summary).toEqual({ create: 1 });
  await project.program(`throw new Error("not yet");`);
  expect((await project.run("up")).error?.message).toBe("the program failed");
  const left = [project.stateFile, `${project.stateFile}.bak`, join(project.root, ".ai-how", "passphrase")];
  expect(left.filter((file) => existsSync(file))).toEqual([]);
});
