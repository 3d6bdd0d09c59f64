import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { lacks } from "../../required.ts";
import { Running, type Said } from "../../support/command.ts";
import { processes } from "../../support/processes.ts";
import { TemporalStage } from "../../support/temporal.ts";
import { describeUnless } from "../../support/where.ts";

interface Outcome {
  readonly id: string;
  readonly state: string;
  readonly skipreason: string;
  readonly result: Readonly<Record<string, unknown>>;
}

const sh = (id: string, script: string, more: Readonly<Record<string, unknown>> = {}) => ({
  id,
  type: "command",
  command: "sh",
  args: ["-c", script],
  ...more,
});

describeUnless(await lacks("Temporal"), "pipelines on a real Temporal server", () => {
  const stage = new TemporalStage();
  let worker: Running;
  let plans = 0;

  async function plan(steps: readonly object[], more = {}): Promise<string> {
    const file = join(stage.folder, `plan-${(plans += 1)}.yaml`);
    await writeFile(file, stringify({ ...more, steps }));
    return file;
  }

  async function run(steps: readonly object[], ...args: string[]): Promise<Said> {
    return stage.run("run", await plan(steps), ...args);
  }

  function outcomes({ stdout }: Said): Record<string, Outcome> {
    const { steps } = parse(stdout) as { steps: Outcome[] };
    return Object.fromEntries(steps.map((outcome) => [outcome.id, outcome]));
  }

  /** Processes whose command line has this, leaving out what looks for them. */
  const running = (marker: string): number =>
    processes().filter(({ arguments: args }) => args.join(" ").includes(marker) && !args.includes("pipeline"))
      .length;

  it("run steps in their order and print what became of them in the documented form", async () => {
    worker = await stage.worker();
    const said = await run([
      sh("a", "echo one; echo two >&2"),
      sh("b", "exit 3", { allow_failure: true, name: "may fail" }),
      sh("c", "echo $GREETING from $PWD", {
        depends_on: ["a"],
        env: { GREETING: "hi" },
        working_dir: stage.folder,
      }),
      sh("d", "true", { depends_on: ["b"] }),
      sh("e", "echo rescued", { depends_on: ["b"], when: { step: "b", status: "failure" } }),
    ]);
    expect(said.exitCode, said.output).toBe(0);
    const { a, b, c, d, e } = outcomes(said);
    expect(a).toMatchObject({
      state: "success",
      result: { exitcode: 0, stdout: "one\n", stderr: "two\n", succeeded: true },
    });
    expect(b).toMatchObject({
      name: "may fail",
      state: "failed",
      result: { exitcode: 3, succeeded: false, error: "" },
    });
    expect(c?.result.stdout).toBe(`hi from ${stage.folder}\n`);
    expect(d).toMatchObject({ state: "skipped", skipreason: "dependency b did not succeed" });
    expect(e).toMatchObject({ state: "success", skipreason: "" });
    expect(await readFile(String(a?.result.stdoutpath), "utf8")).toBe("one\n");
    // A step's two streams are two pipes: which of them is read first is not said.
    const lines = (await readFile(String(a?.result.structuredpath), "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ stepId: "a", stream: "stdout", message: "one", partial: false }),
        expect.objectContaining({ stepId: "a", stream: "stderr", message: "two", partial: false }),
      ]),
    );
    expect(lines).toHaveLength(2);
  });

  it("fail at once with a step that may not, stop what runs, and print results all the same", async () => {
    const said = await run([
      sh("slow", "sleep 7331"),
      sh("bad", "sleep 0.5; exit 4"),
      sh("next", "true", { depends_on: ["slow"] }),
    ]);
    expect(said.exitCode).toBe(1);
    expect(said.output).toContain("workflow failed: step bad: step returned non-zero exit code");
    expect(outcomes(said)).toMatchObject({
      slow: { state: "cancelled" },
      bad: { state: "failed" },
      next: { state: "cancelled" },
    });
    expect(running("sleep 7331")).toBe(0);
  });

  it("try again what could not be done, as often as the step says, and never what ended badly", async () => {
    const marker = join(stage.folder, "tries");
    const said = await run([
      {
        id: "missing",
        type: "command",
        command: "no-such-program",
        retry: { attempts: 2, initial_seconds: 0.1 },
        allow_failure: true,
      },
      sh("bad", `echo x >> ${marker}; exit 1`, { allow_failure: true }),
      sh("late", "sleep 60", { timeout_seconds: 1, retry: { attempts: 1 }, allow_failure: true }),
    ]);
    const { missing, late } = outcomes(said);
    expect(missing?.result.error).toBe("no-such-program: there is no such program on this worker");
    expect(late?.result.error).toBe("it took longer than timeout_seconds");
    expect(await readFile(marker, "utf8")).toBe("x\n");
    const events = await stage.run("logs", "tail", ...(await lastRun()));
    expect(events.stdout).toContain("no-such-program (attempt 2)");
  });

  async function lastRun(): Promise<string[]> {
    const [newest = ""] = (await stage.run("logs", "list")).stdout.split("\n");
    const [workflowId = "", runId = ""] = newest.split("\t");
    return ["--workflow-id", workflowId, "--run-id", runId];
  }

  it("are cancelled with their steps, by name", async () => {
    const file = await plan([sh("a", "sleep 7332"), sh("b", "true", { depends_on: ["a"] })]);
    const following = stage.start("run", file, "--workflow-id", "to-cancel");
    await following.until(/running +a/);
    const status = JSON.parse((await stage.run("status", "to-cancel", "--json")).stdout) as unknown;
    expect(status).toMatchObject({
      steps: [
        { id: "a", state: "running" },
        { id: "b", state: "waiting", dependsOn: ["a"] },
      ],
    });
    expect((await stage.run("cancel", "to-cancel")).exitCode).toBe(0);
    const said = await following.ended;
    expect(said.exitCode).toBe(1);
    expect(outcomes(said)).toMatchObject({ a: { state: "cancelled" }, b: { state: "cancelled" } });
    expect(running("sleep 7332")).toBe(0);
  });

  it("go on with another worker when one is killed, but for what may be tried once", async () => {
    const tries = join(stage.folder, "killed-tries");
    const file = await plan([
      sh("a", `echo try >> ${tries}; sleep 7; echo done`, { retry: { initial_seconds: 0.1 } }),
      sh("b", "echo after", { depends_on: ["a"] }),
      // The shell's child is not the worker's.
      sh("once", "sleep 7343; true", { retry: { attempts: 1 }, allow_failure: true }),
    ]);
    const following = stage.start("run", file, "--workflow-id", "survivor");
    await expect.poll(() => readFile(tries, "utf8").catch(() => ""), { timeout: 20_000 }).toBe("try\n");
    await expect.poll(() => running("sleep 7343"), { timeout: 20_000 }).toBeGreaterThan(1);
    await worker.kill();
    await expect.poll(() => running("killed-tries") + running("sleep 7343"), { timeout: 5000 }).toBe(0);
    worker = await stage.worker();
    const said = await following.ended;
    expect(said.exitCode, said.output).toBe(0);
    expect(outcomes(said)).toMatchObject({
      a: { state: "success", result: { stdout: "done\n" } },
      b: { state: "success" },
      once: {
        state: "failed",
        result: { error: "its worker was lost, and there are no more tries" },
      },
    });
    expect(await readFile(tries, "utf8")).toBe("try\ntry\n");
  });

  it("survive a restart of Temporal in the middle", async () => {
    const file = await plan([sh("a", "sleep 3; echo one"), sh("b", "echo two", { depends_on: ["a"] })]);
    expect((await stage.run("run", file, "--workflow-id", "restarted", "--detach")).exitCode).toBe(0);
    await sleep(1000);
    await stage.killServer();
    await stage.startServer();
    await expect
      .poll(async () => (await stage.run("status", "restarted", "--json")).stdout, {
        timeout: 120_000,
        interval: 1000,
      })
      .toMatch(/"id": "b"[^}]*"state": "success"/);
  });

  it("share work by queues, and wait for the one that a step names", async () => {
    const file = await plan([sh("gpu", "echo $WHO", { queue: "gpu" }), sh("any", "true")]);
    const following = stage.start("run", file, "--workflow-id", "queues");
    await following.until(/success +any/);
    expect(following.output).not.toMatch(/success +gpu/);
    const gpu = stage.launch(["pipeline", "worker", "--task-queue", "gpu"], {
      env: { WHO: "the gpu worker" },
    });
    const said = await following.ended;
    expect(outcomes(said)).toMatchObject({ gpu: { result: { stdout: "the gpu worker\n" } } });
    await gpu.kill();
  });

  it("keep long output out of the history and whole on the disk, binary output too", async () => {
    const said = await run([
      sh("loud", "head -c 50000000 /dev/zero | tr '\\\\0' x"),
      sh("binary", "head -c 100000 /dev/urandom"),
    ]);
    expect(said.exitCode, said.output.slice(0, 2000)).toBe(0);
    const { loud, binary } = outcomes(said);
    expect(loud).toMatchObject({ result: { stdouttruncated: true } });
    expect(String(loud?.result.stdout)).toHaveLength(10_000);
    expect((await readFile(String(loud?.result.stdoutpath))).length).toBe(50_000_000);
    expect((await readFile(String(binary?.result.stdoutpath))).length).toBe(100_000);
    for (const line of (await readFile(String(binary?.result.structuredpath), "utf8"))
      .split("\n")
      .filter(Boolean))
      expect(JSON.parse(line)).toMatchObject({ stepId: "binary" });
  });

  it("may have more steps at once than Temporal lets run, 2,000, and more results than it takes in one piece", async () => {
    const names = Array.from({ length: 2100 }, (_, index) => `s${index}`);
    const said = await run([
      ...names.map((name) => sh(name, "seq 1 200")),
      sh("last", "true", { depends_on: names }),
    ]);
    expect(said.exitCode, said.output.slice(-2000)).toBe(0);
    const results = Object.values(outcomes(said)).map(({ result }) => result);
    expect(results).toHaveLength(2101);
    expect(results.filter(({ succeeded }) => !succeeded)).toEqual([]);
    expect(JSON.stringify(results).length).toBeGreaterThan(2 * 1024 * 1024);
  }, 180_000);

  it("are refused in one line when Temporal would not take them", async () => {
    const file = await plan(
      Array.from({ length: 100 }, (_, i) => sh(`s${i}`, `: ${randomBytes(50_000).toString("hex")}`)),
    );
    const said = await stage.run("run", file);
    expect(said.exitCode).toBe(1);
    expect(said.output).toMatch(
      /unable to start workflow: the plan is \d+\.\d MiB, compressed, and Temporal takes 2; split it/,
    );
    const nobody = await stage.run("run", await plan([sh("a", "true")]), "--address", "127.0.0.1:1");
    expect(nobody.output).toContain("unable to create Temporal client: nobody answers at 127.0.0.1:1");
  });

  it("write logs whose names lead out of no folder", async () => {
    await run([sh("../../x y", "echo")], "--workflow-id", "a/b");
    expect((await readdir(stage.logs)).filter((name) => name.includes("x_y_stdout"))).toEqual([
      expect.stringMatching(/^a_b_[0-9a-f-]+_\.\._\.\._x_y_stdout\.log$/),
    ]);
  });

  it("of the old JSON form run one step after the other and print its JSON", async () => {
    const order = join(stage.folder, "order");
    const list = join(stage.folder, "list.json");
    const step = (name: string, script: string, more = {}): object => ({
      ...{ name, command: "sh", args: ["-c", `echo ${name} >> ${order}; ${script}`], ...more },
    });
    const steps = [
      step("one", "sleep 0.5; echo $WHO", { env: { WHO: "me" } }),
      step("two", "exit 3", { allowFailure: true }),
      step("two", "exit 4"),
      step("never", "true"),
    ];
    await writeFile(list, JSON.stringify({ steps }));
    const said = await stage.run("run", "-input", list);
    expect(said.exitCode).toBe(1);
    expect(said.output).toMatch(/^orchestration-\d{8}-\d{6} /);
    expect(JSON.parse(said.stdout)).toMatchObject({
      succeeded: false,
      steps: [
        { name: "one", exitCode: 0, stdout: "me\n", succeeded: true },
        { name: "two", exitCode: 3, succeeded: false },
        { name: "two", exitCode: 4, succeeded: false },
      ],
    });
    expect(await readFile(order, "utf8")).toBe("one\ntwo\ntwo\n");
  });
});
