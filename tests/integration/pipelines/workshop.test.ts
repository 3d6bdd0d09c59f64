import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { expect, it } from "vitest";
import { z } from "zod";
import { lacks } from "../../required.ts";
import { readEvents } from "../../../services/pipelines/logs/read.ts";
import { BrowserStage } from "../../support/browser.ts";
import { FaultServer, file } from "../../support/fault-server.ts";
import { hubPython } from "../../support/hub-python.ts";
import { CommandLineWatch, processes } from "../../support/processes.ts";
import { describeUnless } from "../../support/where.ts";
import { HaltingSteps, tellingStep } from "./halting-steps.ts";
import { WorkshopStage, workshopLacks } from "./workshop-stage.ts";

const TOKEN = "hf_a_token_that_nobody_may_see";
const SCRIPT = Buffer.from('for word in "$@"; do echo "<$word>"; done\n');
const WORDS = "bash /hello.sh 'two words' \"$GREETING\" $GPU/$PROJECT; echo warned >&2";

const detailsSchema = z.object({
  steps: z.array(z.object({ stepId: z.string(), exitCode: z.number(), stdoutPath: z.string() })),
});
const statusSchema = z.object({
  steps: z.array(z.object({ id: z.string(), state: z.string(), reason: z.string() })),
});
const [noHub, noBrowser] = [await lacks("Hugging Face's libraries"), await lacks("Chromium")];

describeUnless(await workshopLacks(), "the workshop", () => {
  // HOLD is how long the first worker's programs sleep.
  const stage = new WorkshopStage({ HF_TOKEN: TOKEN, AI_HOW_HUB_PYTHON: hubPython, HOLD: "7501" });
  const server = new FaultServer();
  const image = stage.image("hello");
  let runId = "";
  const client = (): Client =>
    new Client({ connection: Connection.lazy({ address: stage.web.temporal.address }) });

  /** What each step's log has to show. */
  const shown = {
    fetch: /^downloaded \S+\/hello\.sh$/m,
    build: /building with hello world/,
    push: /1: digest: sha256:[0-9a-f]{64}/,
    forget: /^Untagged: /m,
    // The error stream's line may come in between.
    job: /^<two words>\n(warned\n)?<a, "b" \$HOME>\n(warned\n)?<false\/atelier>$/m,
  };

  it("carries a pipeline from a download through to a job in an image of its own", async () => {
    const context = stage.context("context");
    const steps = [
      {
        ...{ id: "fetch", type: "download" },
        download: {
          url: server.on("/hello.sh", file(SCRIPT)),
          output: join(context, "hello.sh"),
          sha256: createHash("sha256").update(SCRIPT).digest("hex"),
        },
      },
      {
        ...{ id: "build", type: "docker_build", depends_on: ["fetch"] },
        docker_build: {
          ...{ image, context, dockerfile: join(context, "Dockerfile") },
          ...{ build_args: { GREETING: "hello world" }, labels: { "ai-how.tests": "a label" } },
        },
      },
      { id: "push", type: "docker_push", depends_on: ["build"], docker_push: { image } },
      // The job gets it from the registry.
      {
        ...{ id: "forget", type: "command", depends_on: ["push"] },
        ...{ command: "docker", args: ["image", "rm", image] },
      },
      {
        ...{ id: "job", type: "container_job", depends_on: ["forget"], env: { SYGALDRY_IMAGE: image } },
        container_job: {
          ...{ command: WORDS, project_id: "atelier", launcher_path: stage.launcher },
          env: { GREETING: 'a, "b" $HOME' },
        },
      },
    ];
    runId = await stage.web.run("end-to-end", steps);
    await stage.web.until(runId, "success");
    const labels = await stage.engine.docker("image", "inspect", "-f", "{{.Config.Labels}}", image);
    expect(labels.stdout).toBe("map[ai-how.tests:a label]");
    expect(await stage.engine.containers()).toEqual([]);
  });

  it("has the log of every step at the page's routes", async () => {
    const get = (path: string): Promise<Response> => fetch(new URL(path, stage.web.url));
    const { steps } = detailsSchema.parse(await (await get(`/api/runs/${runId}`)).json());
    const ids = steps.map(({ stepId, exitCode }) => [stepId, exitCode]);
    expect(ids).toEqual(Object.keys(shown).map((id) => [id, 0]));
    for (const [id, text] of Object.entries(shown)) {
      const { stdoutPath = "" } = steps.find(({ stepId }) => stepId === id) ?? {};
      expect(await (await get(`/logs/${stdoutPath.split("/").at(-1) ?? ""}`)).text()).toMatch(text);
    }
    const live = await get(`/api/runs/${runId}/log/live?step=job`);
    expect(await live.text()).toContain('"stream":"stderr","message":"warned"');
  });

  describeUnless(noBrowser, "in Chromium", () => {
    const browser = new BrowserStage();

    it("shows the log of every step", async () => {
      const page = await browser.open(`${stage.web.url}#run=${runId}`);
      const lines = async (): Promise<string> =>
        (await page.getByRole("log").innerText()).replaceAll(/^\d\d:\d\d:\d\d\.\d+\n/gm, "");
      for (const [id, text] of Object.entries(shown)) {
        await page.locator(`.graph [data-step="${id}"]`).click();
        await expect.poll(lines, { timeout: 10_000 }).toMatch(text);
      }
      await page.close();
      expect(browser.complaints).toEqual([]);
    });
  });

  it("removes the container of a job that is cancelled, also one that does not listen", async () => {
    const job = { command: "echo up; sleep 7502", launcher_path: stage.launcher };
    runId = await stage.web.run("cancelled", [
      { id: "job", type: "container_job", env: { SYGALDRY_IMAGE: image }, container_job: job },
    ]);
    await expect.poll(() => stage.engine.containers(), { timeout: 20_000 }).toHaveLength(1);
    expect((await stage.web.temporal.run("cancel", "cancelled")).exitCode).toBe(0);
    await stage.web.until(runId, "failed");
    expect(await stage.engine.containers()).toEqual([]);
  });

  describeUnless(noHub, "with its worker killed in the middle of a step of each type", () => {
    const watch = new CommandLineWatch();
    let halting: HaltingSteps;
    /** What is there without any step. */
    const others = new Set<number>();
    /** Programs of steps, wherever they came from: all of them have the engine's address in their environment. */
    const programs = (): string[] =>
      processes()
        .filter(({ pid, environment }) => environment.includes(stage.engine.host) && !others.has(pid))
        .map(({ arguments: args }) => args.join(" ").slice(0, 100));

    /** What the worker has told Temporal last of how far a step is. */
    const progress = async (id: string): Promise<string> => {
      const { raw } = await client().workflow.getHandle("killed").describe();
      const step = raw.pendingActivities?.find(({ activityId }) => activityId === id);
      return texts(step?.heartbeatDetails).join();
    };

    it("shows how far it is, and leaves no program and no container", async () => {
      halting = new HaltingSteps(stage, server, TOKEN);
      for (const { pid } of processes()) others.add(pid);
      watch.start();
      const steps = [...(await halting.make()), tellingStep(server, TOKEN)];
      runId = await stage.web.run("killed", steps);
      for (const isBegun of halting.begun(programs))
        await expect.poll(async () => await isBegun(), { timeout: 60_000 }).toBe(true);
      const shows = { build: "building with", model: "Fetching 1 files", download: '"bytes":300000' };
      for (const [id, text] of Object.entries(shows))
        await expect.poll(() => progress(id), { timeout: 20_000 }).toContain(text);
      await stage.web.worker.kill();
      await expect.poll(programs, { timeout: 20_000 }).toEqual([]);
      await expect.poll(() => stage.engine.containers(), { timeout: 20_000 }).toEqual([]);
    });

    it("goes on with another worker, which does again what may be done again", async () => {
      halting.release();
      await stage.web.temporal.launch(["pipeline", "worker"], { env: { HOLD: "0" } }).until(/^working on/m);
      await stage.web.until(runId, "success", 150);
      const { stdout } = await stage.web.temporal.run("status", "killed", "--json");
      const states = statusSchema.parse(JSON.parse(stdout)).steps;
      expect(states.filter(({ state }) => state !== "success")).toEqual([
        expect.objectContaining({
          ...{ id: "once", state: "failed" },
          reason: "its worker was lost, and there are no more tries",
        }),
        expect.objectContaining({ id: "telling", state: "failed", reason: "exit code 1" }),
      ]);
      const events = await readEvents(stage.web.temporal.logs, { runId });
      for (const { id } of states) {
        const last = events.findLast(({ stepId, status }) => stepId === id && status === "step_started");
        const isOnce = ["once", "telling"].includes(id);
        expect(last?.message.includes("(attempt 2)") ?? isOnce, id).toBe(!isOnce);
      }
      const printed = (id: string): string =>
        readFileSync(events.findLast(({ stepId }) => stepId === id)?.stdoutPath ?? "", "utf8").trim();
      expect(readdirSync(printed("model"))).toEqual(["model.bin"]);
      expect(printed("rows")).toBe("tests/d: 100 rows");
      expect([halting.tries("command"), halting.tries("once")]).toEqual([2, 1]);
      expect(halting.isDownloaded).toBe(true);
      expect((await stage.engine.docker("pull", halting.pushed)).exitCode).toBe(0);
      expect((await stage.engine.docker("image", "inspect", halting.built)).exitCode).toBe(0);
      expect(await stage.engine.containers()).toEqual([]);
    });

    it("shows the hub's token nowhere", async () => {
      watch.stop();
      const { logs } = stage.web.temporal;
      const history = await client().workflow.getHandle("killed").fetchHistory();
      const logTexts = readdirSync(logs).map((name) => readFileSync(join(logs, name), "utf8"));
      const places = { history: texts(history), logs: logTexts, "command lines": [...watch.seen] };
      for (const [where, found] of Object.entries(places)) {
        expect(found.join("\n"), where).not.toContain(TOKEN);
        // It is looked for where there is something.
        expect(found.join("\n"), where).toMatch(/tests\/closed|snapshot_download/);
      }
      expect(logTexts.join("\n")).toContain("[secret] may not see tests/closed");
    });
  });
});

/** Every text in a history, those in its payloads included. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  return value !== null && typeof value === "object" ? Object.values(value).flatMap(texts) : [];
}
