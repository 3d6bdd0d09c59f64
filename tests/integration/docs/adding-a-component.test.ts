import { execa } from "execa";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository } from "../../support/project.ts";

const page = await readFile(join(repository, "docs/adding-a-component.md"), "utf8");
const LEFT_OUT = new Set([".git", ".ai-how", ".venv", "node_modules"]);

/** The blocks of the page: their language, their title and what is in them. */
const blocks = [...page.matchAll(/^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$/gms)].map(
  ([, language, title, body = ""]) => ({ language, title, body }),
);

/** A copy of this repository in a folder of its own, without what was installed or made. */
async function copyRepository(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "ai-how-page-"));
  await cp(repository, root, {
    recursive: true,
    filter: (source) => !LEFT_OUT.has(relative(repository, source)),
  });
  for (const part of ["node_modules", ".venv"]) await symlink(join(repository, part), join(root, part));
  return root;
}

/** A hunk of a diff without line numbers: what is there once in a file, and what takes its place. */
function hunks(diff: string): { file: string; before: string; after: string }[] {
  const [head = "", ...parts] = diff.split(/^@@\n/m);
  const file = /^\+\+\+ b\/(.+)$/m.exec(head)?.[1] ?? "";
  return parts.map((part) => {
    const lines = part.split("\n").filter((line) => line !== "");
    const side = (mark: string) =>
      lines
        .filter((line) => line.startsWith(" ") || line.startsWith(mark))
        .map((line) => `${line.slice(1)}\n`)
        .join("");
    return { file, before: side("-"), after: side("+") };
  });
}

describe("the page on components, followed to the letter", () => {
  let root = "";
  const run = (...command: [string, ...string[]]) =>
    execa(command[0], command.slice(1), {
      cwd: root,
      reject: false,
      all: true,
      env: {
        PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH ?? ""}`,
        AI_HOW_ENGINE: "in-process",
      },
    });

  beforeAll(async () => {
    root = await copyRepository();
    for (const { title, body } of blocks) {
      if (title !== undefined) await writeFile(join(root, title), body);
    }
    for (const { file, before, after } of blocks.flatMap(({ language, body }) =>
      language === "diff" ? hunks(body) : [],
    )) {
      const text = await readFile(join(root, file), "utf8");
      expect(text.split(before), `${file} has the lines of the page once:\n${before}`).toHaveLength(2);
      await writeFile(join(root, file), text.replace(before, after));
    }
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it("has types that hold, and the form that lint wants", async () => {
    const files = ["components/hpc/maintenance-window.ts", "stacks/hpc.ts"];
    expect(await run("tsc", "--noEmit")).toMatchObject({ exitCode: 0, all: "" });
    expect(await run("prettier", "--check", ...files)).toMatchObject({ exitCode: 0 });
    expect(await run("eslint", ...files)).toMatchObject({ exitCode: 0, all: "" });
  });

  it("shows the component in the preview that the page prints", async () => {
    const preview = await run("bin/ai-how", "preview", "dev");
    expect(preview).toMatchObject({ exitCode: 0 });
    const [console = ""] = blocks.flatMap(({ language, body }) => (language === "console" ? [body] : []));
    const printed = console.split("\n").filter((line) => /\bdev-new-year/.test(line));
    expect(printed).toHaveLength(2);
    for (const line of printed) expect(preview.all).toContain(line);
    expect((await run("bin/ai-how", "graph", "dev")).all).toContain("dev-new-year");
  });

  it("keeps to what the tests of the page's last section hold a component to", async () => {
    const [, command = ""] = /Run both with `([^`]+)`/.exec(page) ?? [];
    const tests = await run("bash", "-c", command);
    expect(tests.exitCode, tests.all).toBe(0);
  });
});
