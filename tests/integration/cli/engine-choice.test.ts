import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkout } from "../../support/checkout.ts";
import { Project } from "../../support/project.ts";

// A checkout without `.ai-how`, so that no CLI of Pulumi's is found beside the program.
describe("the choice of the engine", () => {
  let checkout: Checkout;

  beforeAll(async () => {
    checkout = await Checkout.copy();
  });
  afterAll(() => checkout.remove());

  /** Runs a command in a project, on a host without Pulumi's CLI except in `folder`. */
  async function run(
    project: Project,
    args: readonly string[],
    { engine = "", folder }: { readonly engine?: string; readonly folder?: string } = {},
  ) {
    const folders = [
      ...(folder === undefined ? [] : [folder]),
      dirname(process.execPath),
      "/usr/bin",
      "/bin",
    ];
    return execa(join(checkout.root, "bin/ai-how"), args, {
      cwd: project.root,
      reject: false,
      all: true,
      env: {
        PATH: folders.join(delimiter),
        PULUMI_HOME: join(project.root, "no-pulumi"),
        AI_HOW_ENGINE: engine === "" ? undefined : engine,
        NO_COLOR: "1",
      },
    });
  }

  it("is in-process without Pulumi's CLI, and says why", async () => {
    const project = await Project.create("");
    const { exitCode, stdout } = await run(project, ["preview", "test"]);
    expect(stdout).toMatch(/^test: preview by the in-process engine \(Pulumi's CLI is not installed; .*\)$/m);
    expect(exitCode).toBe(0);
  });

  it.each([
    ["--engine", ["--engine", "in-process"], ""],
    ["AI_HOW_ENGINE", [], "in-process"],
    ["--engine, which overrides AI_HOW_ENGINE", ["--engine", "in-process"], "pulumi"],
  ])("follows %s", async (_name, options, engine) => {
    const project = await Project.create("");
    const { exitCode, stdout } = await run(project, ["preview", "test", ...options], { engine });
    expect(stdout).toMatch(/^test: preview by the in-process engine \(asked for\)$/m);
    expect(exitCode).toBe(0);
  });

  it("fails in one line if Pulumi's CLI is asked for and missing", async () => {
    const project = await Project.create("");
    for (const [options, engine] of [
      [["--engine", "pulumi"], ""],
      [[], "pulumi"],
    ] as const) {
      const { exitCode, all } = await run(project, ["preview", "test", ...options], { engine });
      expect(all).toMatch(/^ai-how: Pulumi's CLI is not installed: put `pulumi` on PATH, or .*$/);
      expect(exitCode).toBe(1);
    }
  });

  it.each([
    [["--engine", "terraform"], ""],
    [[], "terraform"],
  ])("refuses an engine that it does not have: %j %s", async (options, engine) => {
    const project = await Project.create("");
    const { exitCode, all } = await run(project, ["preview", "test", ...options], { engine });
    expect(all).toMatch(/terraform.*Allowed choices are auto, pulumi, in-process/);
    expect(exitCode).toBe(2);
  });

  it("stays with the engine that made the stack", async () => {
    const project = await Project.create('export const word = "one";');
    const folder = await fakePulumi(project);
    expect(await run(project, ["up", "test", "--engine", "in-process"])).toMatchObject({ exitCode: 0 });
    const again = await run(project, ["up", "test"], { folder });
    expect(again.stdout).toMatch(/^test: up by the in-process engine \(this stack was made by it\)$/m);
    expect(again.exitCode).toBe(0);
    const other = await run(project, ["up", "test", "--engine", "pulumi"], { folder });
    expect(other.all).toBe(
      "ai-how: the stack test was made by the in-process engine; take it down first: ai-how down test --engine in-process",
    );
    expect(other.exitCode).toBe(1);
  });

  it("is Pulumi's CLI for a new stack where that is on PATH", async () => {
    const project = await Project.create("");
    const folder = await fakePulumi(project);
    const { stdout } = await run(project, ["preview", "test"], { folder });
    expect(stdout).toContain(`test: preview by Pulumi's CLI (${join(folder, "pulumi")})`);
  });
});

/** A folder with a program that bears the name of Pulumi's CLI and does nothing. */
async function fakePulumi({ root }: Project): Promise<string> {
  const folder = join(root, "fake-cli");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "pulumi"), "#!/bin/sh\nexit 1\n");
  await chmod(join(folder, "pulumi"), 0o755);
  return folder;
}
