import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { lacks } from "../required.ts";
import { BrowserStage } from "../support/browser.ts";
import { repository } from "../support/project.ts";
import { describeUnless } from "../support/where.ts";
import { sh, WebStage } from "../support/web.ts";

// `npx vitest run --project pictures` draws the pictures of docs/pipelines.md again; it is no part of `make test`.
const folder = join(repository, "docs/images");

const printing = (count: number, seconds: number, line: string): string =>
  `for i in $(seq 1 ${count}); do printf '${line}\\n' "$i" "$i"; sleep ${seconds}; done`;

const steps = [
  sh("sources", "echo fetched; sleep 1", { name: "fetch sources" }),
  sh("data", printing(25, 0.2, "shard %03d \\033[32mverified\\033[0m sha256:%04d"), {
    name: "fetch data set",
  }),
  sh("lint", "sleep 1; echo 'warning: unused variable' >&2", { depends_on: ["sources"] }),
  sh("build", printing(40, 0.08, "[%d/40] \\033[1;34mCXX\\033[0m kernels/attention_%d.cu"), {
    matrix: { arch: ["sm_80", "sm_90", "sm_100"] },
    depends_on: ["sources"],
  }),
  sh("unit", "sleep 1; echo 412 passed", { name: "unit tests", depends_on: ["build", "lint"] }),
  {
    id: "mirror",
    name: "mirror weights",
    type: "command",
    command: "./mirror-weights",
    retry: { attempts: 5, initial_seconds: 4, factor: 1.5 },
    depends_on: ["lint"],
    allow_failure: true,
  },
  sh("old", "true", {
    name: "use old weights",
    depends_on: ["mirror"],
    when: { step: "mirror", status: "failure" },
  }),
  sh(
    "train",
    printing(400, 0.15, "\\033[2mstep\\033[0m %05d \\033[36mloss\\033[0m 2.%03d \\033[33mlr\\033[0m 3.0e-04"),
    { depends_on: ["data", "unit"] },
  ),
  sh("evaluate", "true", { depends_on: ["train"] }),
  sh("quantise", "true", { depends_on: ["train"], queue: "gpu" }),
  sh("publish", "true", { depends_on: ["evaluate", "quantise", "old"] }),
];

describeUnless(
  (await lacks("Temporal")) ?? (await lacks("Chromium")),
  "pictures of the pipelines' page",
  () => {
    const stage = new WebStage();
    const browser = new BrowserStage();

    it("are drawn", async () => {
      await stage.until(await stage.run("nightly-41", [sh("a", "true"), sh("b", "true")]), "success");
      await stage.until(await stage.run("release-7.2", [sh("a", "true"), sh("b", "exit 1")]), "failed");
      const runId = await stage.run("nightly-42", steps);
      const page = await browser.open(`${stage.url}#run=${runId}`);
      await page.setViewportSize({ width: 1280, height: 720 });
      await page.locator('[data-step="train"][data-state="running"]').waitFor({ timeout: 60_000 });
      await page.locator('[data-step="mirror"][data-state="retrying"]').waitFor();
      await page.getByRole("button", { name: "Fit View" }).click();
      await sleep(2500);
      await page.screenshot({ path: join(folder, "pipelines-graph.png") });
      await page.emulateMedia({ colorScheme: "dark" });
      await page.locator('[data-step="train"]').click();
      await page.getByRole("log").getByText("00020").waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("0001");
      await sleep(1000);
      await page.screenshot({ path: join(folder, "pipelines-log.png") });
      await page.getByRole("button", { name: "Close the step" }).click();
      await page.emulateMedia({ colorScheme: "light" });
      await page.getByRole("link", { name: "Times" }).click();
      await sleep(1000);
      await page.screenshot({ path: join(folder, "pipelines-times.png") });
      await page.getByRole("button", { name: "Cancel", exact: true }).click();
      await page.getByRole("button", { name: "Cancel the pipeline" }).click();
      await stage.until(runId, "failed");
      await page.close();
      expect(browser.complaints).toEqual([]);
    });
  },
);
