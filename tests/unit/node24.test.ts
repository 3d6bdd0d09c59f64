import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { itUnless } from "../support/where.ts";
import { repository } from "../support/project.ts";

const script = join(repository, "tools", "node24.cjs");

/** A Node on this machine's PATH that is too old for the sources; undefined where there is none. */
async function oldNode(): Promise<string | undefined> {
  for (const folder of new Set((process.env.PATH ?? "").split(delimiter))) {
    const node = join(folder, "node");
    const said = await execa(node, ["-p", "process.versions.node"], { reject: false });
    if (!said.failed && Number.parseInt(said.stdout) < 24) return node;
  }
  return undefined;
}

const old = await oldNode();

/** Runs a TypeScript program that says what it got, by that Node with the preloaded script. */
async function run(node: string) {
  const folder = await mkdtemp(join(tmpdir(), "node24-"));
  try {
    const program = join(folder, "program.mts");
    await writeFile(
      program,
      "const words: string[] = process.argv.slice(2);\n" +
        "console.log(JSON.stringify([Number.parseInt(process.versions.node) >= 24, ...words]));\nprocess.exit(7);\n",
    );
    return await execa(node, ["--require", script, program, "a b", "c"], { reject: false });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

itUnless(
  old === undefined ? "every Node on PATH is new" : undefined,
  "an old Node hands the program over, with its arguments and exit code",
  async () => {
    expect(await run(old ?? "")).toMatchObject({ exitCode: 7, stdout: '[true,"a b","c"]' });
  },
);

test("a new one runs it itself", async () => {
  expect(await run(process.execPath)).toMatchObject({ exitCode: 7, stdout: '[true,"a b","c"]' });
});
