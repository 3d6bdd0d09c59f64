import { hostname } from "node:os";
import { execa } from "execa";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { lacks } from "../required.ts";
import { findTemporal } from "../../services/pipelines/dev-server.ts";
import { historiesFolder, historyNames } from "../support/histories.ts";
import { TemporalStage } from "../support/temporal.ts";
import { sh } from "../support/web.ts";
import { describeUnless } from "../support/where.ts";

/*
 * `npx vitest run --project histories` records what is not recorded yet, for tests/unit/pipelines/replay.test.ts; it is no
 * part of `make test`. A history that is there stays: it is the past that the code has to go on with. One that
 * the workflow's next version has something new in gets a name of its own.
 */

/** A run to record: its plan, and what happens to it from outside. */
interface Recording {
  readonly plan: Readonly<Record<string, unknown>>;
  readonly meanwhile?: (stage: TemporalStage, workflowId: string) => Promise<void>;
}

const one = { attempts: 1 };
const wide = { steps: Array.from({ length: 14 }, (_, index) => sh(`s${index}`, "true")) };
const missing = { allow_failure: true, retry: one, timeout_seconds: 30 };

const recordings: Readonly<Record<string, Recording>> = {
  order: {
    plan: {
      steps: [
        sh("a", "echo one"),
        sh("b", "exit 3", { allow_failure: true }),
        sh("c", "echo $WORD", { depends_on: ["a"], env: { WORD: "two" } }),
        sh("d", "true", { depends_on: ["b"] }),
        sh("e", "true", { depends_on: ["d", "c"] }),
        sh("f", "true", { depends_on: ["b"], when: { step: "b", status: "failure" } }),
        sh("g", "true", { depends_on: ["c"], when: { step: "c", status: "failure" } }),
      ],
    },
  },
  matrix: {
    plan: {
      inputs: { word: "hello" },
      max_parallel: 2,
      steps: [
        sh("build", "echo ${inputs.word} ${matrix.a} ${matrix.b}", {
          matrix: { a: ["x", "y"], b: ["1", "2", "3"] },
        }),
        sh("test", "true", { depends_on: ["build"] }),
        sh("lint", "true"),
      ],
    },
  },
  cancelled: {
    plan: {
      steps: [
        sh("a", "true"),
        sh("b", "sleep 600", { depends_on: ["a"] }),
        sh("c", "true", { depends_on: ["b"] }),
      ],
    },
    async meanwhile(stage, workflowId) {
      await untilRunning(stage, workflowId, "b");
      await stage.run("cancel", workflowId);
    },
  },
  retried: {
    plan: {
      steps: [
        {
          id: "missing",
          type: "command",
          command: "no-such-program",
          allow_failure: true,
          retry: { attempts: 2, initial_seconds: 0.1 },
        },
        sh("late", "sleep 60", { timeout_seconds: 1, retry: one, allow_failure: true }),
        sh("after", "true", { depends_on: ["missing"], when: { step: "missing", status: "failure" } }),
        sh("ok", "true"),
      ],
    },
  },
  types: {
    plan: {
      steps: [
        {
          id: "download",
          type: "download",
          download: { url: "http://127.0.0.1:9/none", output: "none" },
          ...missing,
        },
        {
          id: "build",
          type: "docker_build",
          docker_build: { image: "none:1", context: "no-such-folder" },
          ...missing,
        },
        { id: "push", type: "docker_push", docker_push: { image: "127.0.0.1:9/none:1" }, ...missing },
        { id: "package", type: "package_build", package_build: { command: "true" } },
        {
          id: "job",
          type: "container_job",
          container_job: { command: "true", launcher_path: "/no-such-launcher" },
          ...missing,
        },
        {
          id: "dataset",
          type: "hf_download_dataset",
          hf_download_dataset: { dataset_id: "none/none", cache_dir: "cache" },
          ...missing,
        },
        {
          id: "model",
          type: "hf_download_model",
          hf_download_model: { model_id: "none/none", cache_dir: "cache" },
          ...missing,
        },
      ],
    },
  },
  queue: {
    plan: { steps: [sh("a", "true", { queue: "gpu" }), sh("b", "true", { depends_on: ["a"] })] },
  },
  long: {
    plan: {
      steps: Array.from({ length: 14 }, (_, index) =>
        sh(`s${index}`, "true", index === 0 ? {} : { depends_on: [`s${index - 1}`] }),
      ),
    },
  },
  // As many events, and no step that waits for another history: at first it got one all the same, and ends now.
  wide: { plan: wide },
  "wide-ended": { plan: wide },
};

describeUnless(await lacks("Temporal"), "histories", () => {
  // So few events to a history that fourteen steps need two.
  const stage = new TemporalStage({}, ["limit.historyCount.suggestContinueAsNew=40"]);
  const there = new Set(historyNames());
  let isWorking = false;

  async function work(): Promise<void> {
    if (isWorking) return;
    isWorking = true;
    await Promise.all([stage.worker(), stage.worker("--task-queue", "gpu")]);
  }

  it.each(Object.entries(recordings).filter(([name]) => !there.has(name)))(
    "%s is recorded",
    async (name, { plan, meanwhile }) => {
      await work();
      const file = join(stage.folder, `${name}.yaml`);
      await writeFile(file, stringify(plan));
      const begun = await stage.run("run", file, "--workflow-id", name, "--detach");
      expect(begun.exitCode, begun.output).toBe(0);
      await meanwhile?.(stage, name);
      const runs = await untilOver(name);
      for (const [index, run] of runs.entries())
        await save(index === 0 ? name : `${name}-${index + 1}`, name, run);
    },
  );

  async function save(history: string, workflowId: string, runId: string): Promise<void> {
    const { stdout } = await temporal("workflow", "show", "--workflow-id", workflowId, "--run-id", runId);
    // Who did it, and in which folder, is nobody's business.
    const text = stdout
      .replaceAll(new RegExp(`\\d+@${RegExp.escape(hostname())}`, "g"), "1@worker")
      .replaceAll(/"stackTrace": "(?:[^"\\]|\\.)*"/g, '"stackTrace": ""');
    await writeFile(join(historiesFolder, `${history}.json`), `${text}\n`);
  }

  /** Waits for the end of a pipeline; its runs, the first one first. */
  async function untilOver(workflowId: string): Promise<string[]> {
    for (;;) {
      const { stdout } = await temporal("workflow", "list", "--query", `WorkflowId = '${workflowId}'`);
      const all = JSON.parse(stdout) as { execution: { runId: string }; status: string; startTime: string }[];
      if (all.length > 0 && all.every(({ status }) => !status.endsWith("_RUNNING")))
        return all
          .sort((a, b) => a.startTime.localeCompare(b.startTime))
          .map(({ execution }) => execution.runId);
      await sleep(500);
    }
  }

  async function temporal(...args: string[]): Promise<{ stdout: string }> {
    return execa(await findTemporal(), [...args, "--address", stage.address, "--output", "json"]);
  }
});

async function untilRunning(stage: TemporalStage, workflowId: string, step: string): Promise<void> {
  for (;;) {
    const { stdout } = await stage.run("status", workflowId, "--json");
    const { steps } = JSON.parse(stdout) as { steps: { id: string; state: string }[] };
    if (steps.some(({ id, state }) => id === step && state === "running")) return;
    await sleep(200);
  }
}
