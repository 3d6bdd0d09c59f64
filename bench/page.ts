import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium, type Browser } from "playwright-core";
import which from "which";
import { z } from "zod";
import { readPlan } from "../services/pipelines/plan/index.ts";
import { alternate } from "./measure.ts";
import { checkout } from "./checkout.ts";
import { row, type Benchmark } from "./result.ts";
import { forgetPeak, peakMib, QUEUE, TemporalBench } from "./temporal.ts";

const MANY = 2000;
const ROUNDS = 3;
const LINES = 200;
const metrics = z.object({ metrics: z.array(z.object({ name: z.string(), value: z.number() })) });
const piece = z.object({ lines: z.array(z.object({ message: z.string() })) });

/** The page's time and memory for a run. */
export const page: Benchmark = {
  name: "page",
  title: "The page of pipelines, with a run of 2,000 steps",
  floor:
    "the same page with a run of one step; for what a step prints, `tail -f` of the same log at the same time",
  slow: true,
  async run(say) {
    const executablePath = await which("chromium");
    const temporal = await TemporalBench.start();
    const aiHow = join(checkout, "bin/ai-how");
    let browser: Browser | undefined;
    try {
      await temporal.beside(aiHow, ["pipeline", "worker", "--task-queue", QUEUE], /^working on/);
      const web = await temporal.beside(aiHow, ["pipeline", "web", "--port", "0"], /^http:/);
      const url = z.url().parse(web.line.trim());
      const many = await start(temporal, "many", MANY, ["true"]);
      await temporal.client.workflow.getHandle("many").result();
      const one = await start(temporal, "one", 1, ["true"]);
      say("the runs are there");
      // Chromium's sandbox does not run as root.
      browser = await chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
      const shown = browser;
      const looks = await alternate<{ ours: Look; floor: Look }>(ROUNDS, {
        ours: () => look(shown, url, many, web.pid),
        floor: () => look(shown, url, one, web.pid),
      });
      const lag = await latencies(temporal, url);
      say("all is measured");
      const rows = (["seconds", "heapMib", "serverMib"] as const).map((what) =>
        row(
          {
            seconds: "until steps are drawn",
            heapMib: "memory of the page's scripts",
            serverMib: "memory of the page's server",
          }[what],
          what === "seconds" ? "s" : "MiB",
          looks.ours.map((each) => each[what]),
          looks.floor.map((each) => each[what]),
        ),
      );
      return [...rows, row("from a printed line to its reader", "ms", lag.ours, lag.floor)];
    } finally {
      await browser?.close();
      await temporal.end();
    }
  },
};

/** Starts a pipeline; returns the id of its run. */
async function start(
  temporal: TemporalBench,
  workflowId: string,
  count: number,
  [command = "", ...args]: readonly string[],
): Promise<string> {
  const steps = Array.from({ length: count }, (_, index) => ({
    ...{ id: `s${index}`, type: "command", command, args },
    depends_on: index < 20 ? [] : [`s${index - 20}`],
  }));
  const { plan } = readPlan(JSON.stringify({ log_dir: temporal.logs, steps }));
  const handle = await temporal.client.workflow.start("Pipeline", {
    ...{ workflowId, taskQueue: QUEUE, args: [{ plan }] },
  });
  return handle.firstExecutionRunId;
}

interface Look {
  readonly seconds: number;
  readonly heapMib: number;
  readonly serverMib: number;
}

/** Opens a run's page in a new window. */
async function look(browser: Browser, url: string, runId: string, server: number): Promise<Look> {
  const context = await browser.newContext();
  try {
    const window = await context.newPage();
    window.setDefaultTimeout(120_000);
    await forgetPeak(server);
    const begun = performance.now();
    await window.goto(`${url}#run=${runId}`);
    await window.locator(".step").first().waitFor();
    const seconds = (performance.now() - begun) / 1000;
    const session = await context.newCDPSession(window);
    await session.send("Performance.enable");
    const answer = metrics.parse(await session.send("Performance.getMetrics"));
    const heap = answer.metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0;
    return { seconds, heapMib: heap / 1024 ** 2, serverMib: await peakMib(server) };
  } finally {
    await context.close();
  }
}

/** The delay of a step's lines until a reader has them, through the page's server and with `tail -f`. */
async function latencies(temporal: TemporalBench, url: string): Promise<{ ours: number[]; floor: number[] }> {
  const script = `sleep 3; for i in $(seq ${LINES}); do date +%s%3N; sleep 0.02; done`;
  const runId = await start(temporal, "lines", 1, ["sh", "-c", script]);
  const log = await untilThere(temporal.logs, `lines_${runId}_s0_stdout.log`);
  const tail = spawn("tail", ["-n", "+1", "-f", log], { stdio: ["ignore", "pipe", "ignore"] });
  const floor: number[] = [];
  const ours: number[] = [];
  const later = (stamp: string): number => Date.now() - Number(stamp);
  try {
    createInterface({ input: tail.stdout }).on("line", (line) => floor.push(later(line)));
    const live = new URL(`/api/runs/${runId}/log/live?step=s0`, url);
    const { body } = await fetch(live);
    if (body === null) throw new Error(`${live.href} answers nothing`);
    for await (const line of createInterface({ input: Readable.fromWeb(body) })) {
      if (!line.startsWith("data: {")) continue;
      for (const { message } of piece.parse(JSON.parse(line.slice("data: ".length))).lines)
        ours.push(later(message));
    }
    return { ours, floor };
  } finally {
    tail.kill();
  }
}

async function untilThere(folder: string, name: string): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await readdir(folder)).includes(name)) return join(folder, name);
    await sleep(50);
  }
  throw new Error(`${name} did not appear in ${folder}`);
}
