import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { CommandLineWatch } from "../../support/processes.ts";
import { describeUnless } from "../../support/where.ts";
import { JobStage, PROJECT } from "./stage.ts";

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d`;

describeUnless(await lacks("root", "Docker"), "jobs on a real Docker engine", () => {
  const stage = new JobStage();
  const line = (text: string): RegExp => new RegExp(`^${text.replace("TIME", TIME)}$`);

  it("run in the background, with the documented files, lines and exit codes", async () => {
    const said = await stage.run("first", "echo one; echo two >&2; pwd; echo $HOME; id -u; sleep 5; exit 3");
    expect(said.exitCode, said.output).toBe(0);
    expect(said.stdout).toMatch(new RegExp(`^job: first\nproject id: ${PROJECT}\npid: \\d+\nlog: `));
    expect(await stage.status("first")).toMatch(line("PROGRESS job=first ts=TIME msg=running"));
    const health = (await stage.ask("health", "first")).stdout.split("\n");
    expect(health).toEqual([
      expect.stringMatching(/^running pid=\d+$/),
      expect.stringMatching(/^PROGRESS job=first/),
    ]);

    await expect
      .poll(() => stage.status("first"), { timeout: 20_000 })
      .toMatch(line("FAILED job=first ts=TIME rc=3"));
    const { log, events, run } = await stage.report("first");
    expect(readFileSync(String(log), "utf8")).toBe("one\ntwo\n/workspace\n/home/kvothe\n0\n");
    expect(String(log)).toBe(join(stage.root, "logs", `first-${String(run)}.log`));
    const told = (await stage.ask("tail", "first")).stdout
      .split("\n")
      .map((each) => JSON.parse(each) as unknown);
    expect(told).toEqual(
      [
        ["start", "starting"],
        ["progress", "running"],
        ["failed", "rc=3"],
      ].map(([event, msg]) => ({
        ts: expect.stringMatching(line("TIME")) as string,
        event,
        job: "first",
        msg,
      })),
    );
    expect(dirname(String(events))).toBe(join(stage.root, "bazel_cache", "zephyr_jobs"));
    expect(readFileSync(join(dirname(String(events)), "first.status"), "utf8")).toMatch(/^FAILED .* rc=3\n$/);
    expect((await stage.ask("tail", "first", "--output", "--lines", "2")).stdout).toBe("/home/kvothe\n0");
    expect(await stage.engine.containers()).toEqual([]);
    expect(existsSync(join(stage.root, "jobs", `first-${String(run)}`, "output"))).toBe(false);
    expect((await stage.ask("stop", "first")).exitCode).toBe(1);
    expect((await stage.ask("health", "first")).stdout).toMatch(/^stale pid=\d+\nFAILED/);
  });

  it("say what is not there, and what is wrong, by their exit codes", async () => {
    for (const command of ["status", "tail", "stop"]) {
      const said = await stage.ask(command, "never");
      expect(said, command).toMatchObject({ exitCode: 1 });
      expect(said.output).toMatch(/^ai-how: never: project tests has no run of this job;/);
    }
    expect(await stage.ask("health", "never")).toMatchObject({
      exitCode: 0,
      stdout: "pid=unknown\nstatus=missing",
    });
    for (const args of [
      ["--job", "../x", "--", "true"],
      ["--job", "x"],
      ["--", "true"],
      ["--job", "x", "--gpu", "one", "--", "true"],
    ])
      expect(await stage.launch("run", args).ended, args.join(" ")).toMatchObject({ exitCode: 2 });
    const bare = await stage.launch("", []).ended;
    expect(bare).toMatchObject({ exitCode: 2 });
    expect(await stage.run("x", "true", "--project-root", "/no/such")).toMatchObject({ exitCode: 1 });
    expect(await stage.status("x")).toBe("");
  });

  it("are waited for, and pass their exit code on", async () => {
    const said = await stage.run("waited", "sleep 0.5; exit 42", "--wait");
    expect(said.exitCode, said.output).toBe(42);
    expect(said.stdout).toMatch(/\nFAILED job=waited .* rc=42$/);
    const fine = await stage.run("waited", "true", "--wait", "--json");
    expect(fine.exitCode).toBe(0);
    expect(JSON.parse(fine.stdout)).toMatchObject({
      project: PROJECT,
      job: "waited",
      state: "DONE",
      exitCode: 0,
    });
  });

  it("take words after the options as one line, with or without two dashes", async () => {
    const args = [
      "--project-root",
      stage.workspace,
      "--job",
      "words",
      "--wait",
      "echo",
      "-n",
      "a  b",
      "--json",
    ];
    await stage.launch("run", args).ended;
    expect(String(await stage.output("words"))).toBe("a b --json");
  });

  it("print whatever bytes they like, also without a line end", async () => {
    await stage.run(
      "binary",
      "head -c 300000 /dev/urandom > /workspace/bytes; cat /workspace/bytes",
      "--wait",
    );
    const bytes = readFileSync(join(stage.workspace, "bytes"));
    expect((await stage.output("binary")).equals(bytes)).toBe(true);
    await stage.run(
      "binary",
      "echo to the device > /dev/stdout; echo 'a \"quote\" \\\\ '; printf end",
      "--wait",
    );
    expect(String(await stage.output("binary"))).toBe('to the device\na "quote" \\\\ \nend');
  });

  it("go on when they print a lot and nobody reads, in files of a size", async () => {
    const said = await stage.run(
      "loud",
      "seq 1 12000000; echo end",
      "--wait",
      "--log-size",
      "10",
      "--log-keep",
      "3",
    );
    expect(said.exitCode, said.output).toBe(0);
    const { log } = await stage.report("loud");
    const files = readdirSync(join(stage.root, "logs")).filter(
      (name) => name.startsWith("loud-") && !name.endsWith("pid"),
    );
    expect(files).toHaveLength(4);
    const lines = String(await stage.output("loud"))
      .trimEnd()
      .split("\n");
    expect(lines.pop()).toBe("end");
    const first = Number(lines[0]);
    expect(lines.length).toBeGreaterThan(3_000_000);
    expect(lines.findIndex((each, index) => Number(each) !== first + index)).toBe(-1);
    expect(lines.at(-1)).toBe("12000000");
    expect(readFileSync(`${String(log)}.1`).length).toBeLessThan(12 * 1024 * 1024);
  });

  it("are followed by as many as like to until they end", async () => {
    await stage.run(
      "followed",
      "for i in $(seq 1 20); do echo line $i; sleep 0.1; done",
      "--log-size",
      "0.0001",
    );
    const [output, events] = await Promise.all([
      stage.ask("tail", "followed", "--output", "--follow"),
      stage.ask("tail", "followed", "--follow"),
    ]);
    expect(output.stdout.split("\n").slice(-19)).toEqual(
      Array.from({ length: 19 }, (_, i) => `line ${i + 2}`),
    );
    expect(events.stdout).toMatch(/"event":"done","job":"followed","msg":"rc=0"\}$/);
  });

  it("get variables that nobody else sees", async () => {
    const secret = "hunter2-of-the-tests";
    const file = join(stage.engine.folder, "env-file");
    writeFileSync(file, `FROM_FILE=${secret}-file\n`);
    const watch = new CommandLineWatch();
    watch.start();
    const args = stage.runArguments(
      "secret",
      "[ $TOKEN$FROM_FILE = $(tr a-z b-za < /workspace/expected) ] && echo right; sleep 1",
    );
    writeFileSync(
      join(stage.workspace, "expected"),
      `${secret}${secret}-file`.replaceAll(/[a-z]/g, (letter) =>
        letter === "a" ? "z" : String.fromCharCode(letter.charCodeAt(0) - 1),
      ),
    );
    const said = await stage.launch("run", ["--env", "TOKEN", "--env-file", file, "--wait", ...args], {
      TOKEN: secret,
    }).ended;
    watch.stop();
    expect(said.exitCode, said.output).toBe(0);
    expect(String(await stage.output("secret"))).toBe("right\n");
    expect([...watch.seen].filter((command) => command.includes(secret))).toEqual([]);
    expect(() => execFileSync("grep", ["--recursive", "--files-with-matches", secret, stage.root])).toThrow();
    const unset = await stage.run("secret", "true", "--env", "NOT_SET_ANYWHERE");
    expect(unset.output).toContain("--env: NOT_SET_ANYWHERE is not set");
  });

  it("of one name are one at a time, unless the first is replaced", async () => {
    await stage.run("single", "trap 'echo ended; exit 0' TERM; echo first; while :; do sleep 0.1; done");
    const second = await stage.run("single", "echo second");
    expect(second.exitCode).toBe(1);
    expect(second.output).toMatch(
      /ai-how: single: a job of this name is already running \(PROGRESS .*\); `ai-how job stop --project-id tests --job single` stops it, and --replace stops it first$/,
    );
    const { log } = await stage.report("single");
    const replaced = await stage.run("single", "echo third", "--replace", "--wait");
    expect(replaced.exitCode, replaced.output).toBe(0);
    expect(readFileSync(String(log), "utf8")).toMatch(/^first\n(Terminated\n)?ended\n$/);
    expect(String(await stage.output("single"))).toBe("third\n");

    const both = await Promise.all([1, 2, 3].map((number) => stage.run("race", `echo ${number}; sleep 60`)));
    expect(both.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1, 1]);
    expect(await stage.status("race")).toMatch(/^PROGRESS job=race/);
    expect((await stage.ask("stop", "race")).stdout).toMatch(/^STOPPED job=race .* rc=143$/);
  });

  it("that the engine cannot start are FAILED, with its word for why", async () => {
    const said = await stage.run("broken", "true", "--image", "localhost:1/none:1");
    expect(said.exitCode).toBe(1);
    expect(said.output).toMatch(/^(note: .*\n)?ai-how: broken: docker: .*$/);
    expect(await stage.status("broken")).toMatch(line("FAILED job=broken ts=TIME rc=125"));
    expect(await stage.report("broken")).toMatchObject({ reason: expect.any(String) as string });
    expect(await stage.engine.containers()).not.toContain(`ai-how-job.${PROJECT}.broken`);
  });

  it("get the GPUs that they name, or a line that says what to do", async () => {
    const none = await stage.run("gpu", "true", "--gpu", "0");
    expect(none.output).toMatch(
      /^ai-how: --gpu: `nvidia-smi -L` lists no GPU on this host; install NVIDIA's driver/,
    );
    const folder = join(stage.engine.folder, "fake-gpu");
    mkdirSync(folder);
    writeFileSync(
      join(folder, "nvidia-smi"),
      "#!/bin/sh\necho 'GPU 0: NVIDIA A100 (UUID: GPU-5c89852c)'\necho '  MIG 1g.5gb Device 0: (UUID: MIG-3b1c-44)'\n",
    );
    chmodSync(join(folder, "nvidia-smi"), 0o755);
    const env = { PATH: `${folder}:${process.env.PATH ?? ""}` };
    const wrong = await stage.launch("run", stage.runArguments("gpu", "true", "--gpu", "MIG-3b1c-45"), env)
      .ended;
    expect(wrong.output).toContain(
      "--gpu: this host has no MIG-3b1c-45; it has 0 (GPU-5c89852c), MIG-3b1c-44",
    );
    // An engine that has NVIDIA's container toolkit cannot be had here.
    const lacking = await stage.launch("run", stage.runArguments("gpu", "true", "--gpu", "MIG-3b1c-44"), env)
      .ended;
    expect(lacking.exitCode).toBe(1);
    expect(lacking.output).toMatch(/could not select device driver .*; install NVIDIA's container toolkit/);
    expect(await stage.run("gpu", "true", "--gpu", "none", "--wait")).toMatchObject({ exitCode: 0 });
    rmSync(folder, { recursive: true });
  });

  it("are listed with their states", async () => {
    const { stdout } = await stage.launch("list", []).ended;
    expect(stdout).toMatch(/^tests +binary +DONE +\S+ +rc=0 +\/.*\.log$/m);
    const listed = JSON.parse((await stage.launch("list", ["--json"]).ended).stdout) as {
      job: string;
      state: string;
    }[];
    expect(listed.find(({ job }) => job === "race")).toMatchObject({ state: "STOPPED" });
  });

  it("of the former program are shown as it left them", async () => {
    const folder = join(stage.root, "bazel_cache", "zephyr_jobs");
    writeFileSync(join(folder, "old.status"), "DONE job=old ts=2025-01-01T00:00:00+00:00 rc=0\n");
    writeFileSync(join(folder, "old-20250101-000000.jsonl"), '{"event":"start"}\n{"event":"done"}\n');
    expect(await stage.status("old")).toBe("DONE job=old ts=2025-01-01T00:00:00+00:00 rc=0");
    expect((await stage.ask("tail", "old", "--lines", "1")).stdout).toBe('{"event":"done"}');
  });
});
