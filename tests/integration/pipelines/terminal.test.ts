import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { parse, stringify } from "yaml";
import { aiHowCommand, Running, type Said } from "../../support/command.ts";
import { TemporalStage } from "../../support/temporal.ts";
import { sh } from "../../support/web.ts";
import { describeUnless } from "../../support/where.ts";

interface Result {
  readonly exitcode: number;
  readonly stdoutpath: string;
  readonly stderrpath: string;
  readonly structuredpath: string;
}

const resultOf = ({ stdout }: Said, id: string): Result => {
  const { steps } = parse(stdout) as { steps: { id: string; result: Result }[] };
  const found = steps.find((step) => step.id === id);
  if (found === undefined) throw new Error(`no step ${id} in ${stdout}`);
  return found.result;
};

const jsonLines = (text: string): { stepId: string; status: string }[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { stepId: string; status: string });

describeUnless(await lacks("Temporal"), "a pipeline in a terminal", () => {
  const stage = new TemporalStage();

  const STEPS = [
    sh("a", "sleep 1.5"),
    sh("b", "exit 3", { depends_on: ["a"], allow_failure: true }),
    sh("c", "true", { depends_on: ["b"] }),
  ];
  async function plan(name: string, steps: readonly object[]): Promise<string> {
    const file = join(stage.folder, `${name}.yaml`);
    await writeFile(file, stringify({ steps }));
    return file;
  }

  it("shows each change of a step on standard error, and the result alone on standard output", async () => {
    const worker = await stage.worker();
    const ended = await stage.run("run", await plan("lines", STEPS), "--workflow-id", "lines");
    expect(ended.exitCode, ended.output).toBe(0);
    const lines = ended.output.replace(ended.stdout, "").trim().split("\n");
    expect(lines[0]).toMatch(/^lines [\da-f-]{36}$/);
    // A look every half second finds the short step running, or misses that.
    expect(lines.slice(1).filter((line) => line !== "running   b")).toEqual([
      "running   a",
      "success   a",
      "failed    b: exit code 3",
      "skipped   c: dependency b did not succeed",
    ]);
    expect(parse(ended.stdout)).toMatchObject({ succeeded: true });
    await worker.kill();
  });

  it("is coloured where standard error is a terminal, also while standard output is a file", async () => {
    const worker = await stage.worker();
    const file = await plan("colours", STEPS);
    const result = join(stage.folder, "result.yaml");
    // Node takes a terminal of CI for one without colours.
    const command = `env -u CI ${aiHowCommand} pipeline run ${file} >${result}`;
    const env = { TEMPORAL_ADDRESS: stage.address, TEMPORAL_LOG_DIR: stage.logs, TERM: "xterm-256color" };
    const inTerminal = (more = {}): Promise<Said> =>
      new Running("script", ["-qec", command, "/dev/null"], { env: { ...env, NO_COLOR: "", ...more } }).ended;
    const { output, exitCode } = await inTerminal();
    expect(exitCode, output).toBe(0);
    expect(output).toContain("\u001B[36mrunning  \u001B[39m a");
    expect(output).toContain("\u001B[32msuccess  \u001B[39m a");
    expect(output).toContain("\u001B[31mfailed   \u001B[39m b: exit code 3");
    expect((await inTerminal({ NO_COLOR: "1" })).output).not.toContain("\u001B");
    await worker.kill();
  });

  it("is listed by `logs show` with the exit codes and files of its result", async () => {
    const worker = await stage.worker();
    const ended = await stage.run("run", await plan("show", STEPS), "--workflow-id", "show");
    const runId = /^show (\S+)/m.exec(ended.output)?.[1] ?? "";
    const shown = await stage.run("logs", "show", "--workflow-id", "show", "--run-id", runId);
    const rows = shown.stdout
      .trim()
      .split("\n")
      .map((line) => line.split("\t"));
    // Step c was skipped: no worker has written of it.
    expect(rows.map(([step, state]) => [step, state])).toEqual([
      ["a", "finished"],
      ["b", "finished"],
    ]);
    for (const [id = "", , exitCode, seconds, ...paths] of rows) {
      const { exitcode, stdoutpath, stderrpath, structuredpath } = resultOf(ended, id);
      expect(Number(exitCode)).toBe(exitcode);
      expect(Number(seconds)).toBeGreaterThan(id === "a" ? 1.5 : 0);
      expect(paths).toEqual([stdoutpath, stderrpath, structuredpath]);
      for (const path of paths) expect(existsSync(path), path).toBe(true);
    }
    await worker.kill();
  });

  it("is followed by `logs follow` from the first event on, without those of other runs, until Ctrl-C", async () => {
    const worker = await stage.worker();
    const logs = join(stage.folder, "followed");
    const follow = stage.start("logs", "follow", "--log-dir", logs, "--workflow-id", "mine");
    await follow.until(/not there yet; waiting/);
    for (const id of ["other", "mine"]) {
      const steps = [sh(`step-of-${id}`, "sleep 1")];
      const ended = await stage.run("run", await plan(id, steps), "--workflow-id", id, "--log-dir", logs);
      expect(ended.exitCode, ended.output).toBe(0);
    }
    await follow.until(/step_finished/, 20);
    const late = stage.start("logs", "follow", "--log-dir", logs);
    process.kill(follow.pid, "SIGINT");
    const { exitCode, stdout } = await follow.ended;
    expect(exitCode).toBe(0);
    expect(jsonLines(stdout).map(({ stepId, status }) => `${stepId} ${status}`)).toEqual([
      "step-of-mine step_started",
      "step-of-mine step_finished",
    ]);
    // One that begins later shows what comes later.
    await late.kill();
    expect(jsonLines(late.output)).toEqual([]);
    await worker.kill();
  });

  it("gives its steps the environment of the worker without the worker's own settings", async () => {
    const worker = await stage.worker();
    const ended = await stage.run("run", await plan("env", [{ id: "env", type: "command", command: "env" }]));
    const { stdout } = resultOf(ended, "env") as Result & { stdout: string };
    expect(stdout).toContain("TEMPORAL_ADDRESS=");
    expect(stdout).not.toContain("GLIBC_TUNABLES");
    await worker.kill();
  });
});
