import { chmodSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import which from "which";
import { lacks } from "../../required.ts";
import { describeUnless } from "../../support/where.ts";
import { JobStage, PROJECT } from "./stage.ts";

/** Prints numbered lines until it is told to end. */
const PRINT = "i=0; while [ ! -e /workspace/end-$JOB ]; do echo line $((i += 1)); sleep 0.02; done; exit 0";
const SLOWLY = { timeout: 60_000, interval: 250 };

/** Starts a job that prints lines, and waits for some. */
async function print(stage: JobStage, job: string, ...options: string[]): Promise<void> {
  rmSync(join(stage.workspace, `end-${job}`), { force: true });
  const said = await stage.run(job, `JOB=${job}; ${PRINT}`, ...options);
  expect(said.exitCode, said.output).toBe(0);
  await expect.poll(async () => String(await stage.output(job)), SLOWLY).toContain("line 20\n");
}

function finish(stage: JobStage, job: string): void {
  writeFileSync(join(stage.workspace, `end-${job}`), "");
}

async function expectEveryLineOnce(stage: JobStage, job: string): Promise<void> {
  const lines = String(await stage.output(job))
    .trimEnd()
    .split("\n");
  expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));
}

describeUnless(await lacks("root", "Docker"), "jobs on a bad day", () => {
  describe("of their supervisor or somebody's", () => {
    const stage = new JobStage();

    /** A `docker` that does not do one of its commands before it is let to. */
    function heldDocker(command: string): { env: Record<string, string>; letGo: () => void } {
      const folder = join(stage.engine.folder, `held-${command}`);
      const gate = join(folder, "gate");
      mkdirSync(folder, { recursive: true });
      writeFileSync(gate, "");
      const wait = `while [ "$1" = ${command} ] && [ -e ${gate} ]; do sleep 0.1; done`;
      writeFileSync(join(folder, "docker"), `#!/bin/sh\n${wait}\nexec ${which.sync("docker")} "$@"\n`);
      chmodSync(join(folder, "docker"), 0o755);
      return {
        env: { PATH: `${folder}:${process.env.PATH ?? ""}` },
        letGo: () => {
          rmSync(gate);
        },
      };
    }

    const supervised = () => expect.poll(() => stage.supervisors().length, SLOWLY).toBe(1);

    it.each(["1000", "0.001"])(
      "are known when their supervisor is killed, with every line once in logs of %s MiB",
      async (size) => {
        const job = `orphan-${size}`;
        await print(stage, job, "--log-size", size, "--log-keep", "1000");
        for (let time = 0; time < 4; time++) {
          await supervised();
          await sleep(300);
          stage.killSupervisor(job);
          await expect.poll(() => stage.supervisors()).toEqual([]);
          expect(await stage.status(job)).toMatch(/^PROGRESS /);
        }
        await supervised();
        stage.killSupervisor(job);
        await expect.poll(() => stage.supervisors()).toEqual([]);
        // Whoever asks for its output gets all that there is at that moment.
        const spool = join(stage.root, "jobs", `${job}-${String((await stage.report(job)).run)}`, "output");
        const before = readFileSync(spool, "utf8").trimEnd().split("\n").length;
        const last = (await stage.ask("tail", job, "--output", "--lines", "1")).stdout;
        expect(Number(/^line (\d+)$/.exec(last)?.[1])).toBeGreaterThanOrEqual(before);

        // It ends with nobody there.
        await supervised();
        stage.killSupervisor(job);
        finish(stage, job);
        await expect.poll(async () => (await stage.engine.docker("ps", "--quiet")).stdout, SLOWLY).toBe("");
        expect(await stage.status(job)).toMatch(new RegExp(`^DONE job=${job} ts=\\S+ rc=0$`));
        await expect.poll(() => stage.engine.containers(), SLOWLY).toEqual([]);
        await expectEveryLineOnce(stage, job);
      },
    );

    it("are LOST when somebody took the container away, with what they had printed", async () => {
      await stage.run("taken", "echo before; sleep 100");
      await sleep(500);
      await stage.engine.docker("rm", "--force", `ai-how-job.${PROJECT}.taken`);
      expect(await stage.status("taken")).toMatch(/^LOST job=taken ts=\S+$/);
      expect((await stage.ask("tail", "taken", "--output")).stdout).toBe("before");
      expect(await stage.run("taken", "true", "--wait")).toMatchObject({ exitCode: 0 });
    });

    it("are not mistaken for another process of their number", async () => {
      await stage.run("reused", "exit 5", "--wait");
      const { log } = await stage.report("reused");
      writeFileSync(String(log).replace(/log$/, "pid"), `${process.pid}\n`);
      expect((await stage.ask("health", "reused")).stdout).toMatch(
        new RegExp(`^stale pid=${process.pid}\nFAILED job=reused ts=\\S+ rc=5$`),
      );
      expect(await stage.ask("stop", "reused")).toMatchObject({ exitCode: 1 });
    });

    it.each(["create", "start"])("are stopped while they start, before `docker %s`", async (command) => {
      const job = `early-${command}`;
      const { env, letGo } = heldDocker(command);
      const starting = stage.launch("run", stage.runArguments(job, "sleep 100"), env);
      await expect.poll(() => stage.status(job), SLOWLY).toMatch(new RegExp(`^START job=${job} `));
      const stopping = stage.launch("stop", ["--job", job]);
      await expect
        .poll(() => globSync(join(stage.root, "jobs", `${job}-*`, "stop.json")), SLOWLY)
        .toHaveLength(1);
      // Before `start`, there is a container to take away, and then nothing to start.
      if (command === "start") await expect.poll(() => stage.engine.containers(), SLOWLY).toEqual([]);
      letGo();
      expect((await stopping.ended).output).toMatch(new RegExp(`^STOPPED job=${job} ts=\\S+$`));
      const said = await starting.ended;
      expect(said.exitCode).toBe(1);
      expect(said.output).toContain(`ai-how: ${job}: stopped while it started`);
      expect(await stage.status(job)).toMatch(/^STOPPED/);
      expect(await stage.engine.containers()).toEqual([]);
    });

    it("are stopped at any moment of their start, and leave nothing", async () => {
      for (const milliseconds of [300, 900, 1500]) {
        const starting = stage.launch("run", stage.runArguments("moment", "sleep 100"));
        await sleep(milliseconds);
        const stopped = await stage.ask("stop", "moment");
        await starting.ended;
        if (stopped.exitCode !== 0) await stage.ask("stop", "moment");
        expect(await stage.status("moment"), String(milliseconds)).toMatch(/^STOPPED/);
        expect(await stage.engine.containers(), String(milliseconds)).toEqual([]);
      }
    });

    it.each(["create", "start"])(
      "are LOST when who starts them is killed before `docker %s`",
      async (command) => {
        const job = `killed-${command}`;
        const { env, letGo } = heldDocker(command);
        const starting = stage.launch("run", stage.runArguments(job, "true"), env);
        await expect.poll(() => stage.status(job), SLOWLY).toMatch(/^START/);
        await starting.kill();
        expect(await stage.status(job)).toMatch(new RegExp(`^LOST job=${job}`));
        await expect.poll(() => stage.supervisors(), SLOWLY).toEqual([]);
        letGo();
        // The engine's command goes on without him who gave it.
        if (command === "create") await expect.poll(() => stage.engine.containers(), SLOWLY).toHaveLength(1);
        expect(await stage.run(job, "true", "--wait")).toMatchObject({ exitCode: 0 });
      },
    );
  });

  describe("of an engine whose containers outlive it", () => {
    const stage = new JobStage({ liveRestore: true });

    it.each(["SIGTERM", "SIGKILL"] as const)(
      "go on through a restart by %s, and nothing is missing",
      async (signal) => {
        await print(stage, "survivor");
        await stage.engine.end(signal);
        const silent = await stage.ask("status", "survivor");
        expect(silent.exitCode).toBe(1);
        expect(silent.output).toMatch(
          /^ai-how: docker at unix:.*: the container runtime does not answer: .*; start it and try again; last known status: PROGRESS job=survivor/,
        );
        const listed = await stage.launch("list", []).ended;
        expect(listed.exitCode).toBe(1);
        expect(listed.stdout).toMatch(/ survivor +PROGRESS\? /);
        expect(listed.output).toMatch(/^ai-how: docker at unix:.*: the container runtime does not answer/m);
        await sleep(1000);
        await stage.engine.start();
        expect(await stage.status("survivor")).toMatch(/^PROGRESS/);
        finish(stage, "survivor");
        await expect.poll(() => stage.status("survivor"), SLOWLY).toMatch(/^DONE job=survivor ts=\S+ rc=0$/);
        await expectEveryLineOnce(stage, "survivor");
      },
    );
  });

  describe("of an engine that takes its containers with it", () => {
    const stage = new JobStage();

    it("are FAILED with the engine's code after its restart", async () => {
      await stage.run("victim", "echo before; sleep 100");
      await sleep(1000);
      await stage.engine.end("SIGTERM");
      await stage.engine.start();
      await expect
        .poll(() => stage.status("victim"), SLOWLY)
        .toMatch(/^FAILED job=victim ts=\S+ rc=(137|143|255)$/);
      expect(String(await stage.output("victim"))).toMatch(/^before\n/);
    });

    it("are known after a power cut that nothing has survived", async () => {
      await stage.run("cut", "echo before; sleep 1000");
      await sleep(1000);
      const { pid, log } = await stage.report("cut");
      await stage.engine.end("SIGKILL");
      stage.killSupervisor("cut");
      process.kill(Number(pid), "SIGKILL");
      await stage.engine.start();
      expect(await stage.status("cut")).toMatch(/^FAILED job=cut ts=\S+ rc=\d+$/);
      await expect.poll(() => stage.engine.containers(), SLOWLY).toEqual([]);
      expect(readFileSync(String(log), "utf8")).toBe("before\n");
    });
  });
});
