import { execa } from "execa";
import { expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { aiHowCommand } from "../../support/command.ts";
import { Project } from "../../support/project.ts";
import { usePulumi } from "../../support/pulumi.ts";
import { describeUnless } from "../../support/where.ts";

await usePulumi();

describeUnless(await lacks("Pulumi's CLI"), "the engine pulumi", () => {
  it("says in one line that a passphrase is the wrong one, and what to do", async () => {
    const project = await Project.create(`export const word = pulumi.secret("hunter2");`);
    const run = (command: string, word: string) =>
      execa(aiHowCommand, [command, project.stack, "--engine", "pulumi"], {
        cwd: project.root,
        env: { PULUMI_CONFIG_PASSPHRASE: word, NO_COLOR: "1" },
        reject: false,
      });
    expect(await run("up", "right")).toMatchObject({ exitCode: 0 });
    const stderr =
      "ai-how: test: the passphrase does not open this state; set PULUMI_CONFIG_PASSPHRASE to the one it was made with";
    for (const command of ["up", "outputs", "refresh", "down"])
      expect(await run(command, "wrong"), command).toMatchObject({ exitCode: 1, stderr });
  });

  it("says in one line what the CLI cannot do, in its words", async () => {
    const project = await Project.create("");
    const said = await execa(aiHowCommand, ["up", project.stack, "--engine", "pulumi"], {
      cwd: project.root,
      env: { PULUMI_BACKEND_URL: "file:///nowhere/at/all" },
      reject: false,
    });
    expect(said.exitCode).toBe(1);
    expect(said.stderr).toMatch(/^ai-how: test: .*\/nowhere\/at\/all.*$/);
  });

  it("deletes nothing of a stack with something protected, unless that may stay", async () => {
    const project = await Project.create(
      [
        'const data = new command.local.Command("data", { create: "true" }, { protect: true });',
        'new command.local.Command("user", { create: "true", delete: "echo gone >> log" }, { dependsOn: [data] });',
      ].join("\n"),
    );
    const run = (...args: string[]) =>
      execa(aiHowCommand, [...args, project.stack, "--engine", "pulumi"], {
        cwd: project.root,
        reject: false,
      });
    expect(await run("up")).toMatchObject({ exitCode: 0 });
    expect(await run("down")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^ai-how: data is protected and would be deleted; remove `protect` from the program/,
      ) as string,
    });
    expect(await project.lines("log")).toEqual([]);
    expect(await run("down", "--exclude-protected")).toMatchObject({ exitCode: 0 });
    expect(await project.lines("log")).toEqual(["gone"]);
  });
});
