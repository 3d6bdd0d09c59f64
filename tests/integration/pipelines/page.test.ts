import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterEach, expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { BrowserStage, inaccessible } from "../../support/browser.ts";
import { processes } from "../../support/processes.ts";
import { describeUnless } from "../../support/where.ts";
import { sh, WebStage } from "../../support/web.ts";

describeUnless(
  (await lacks("Temporal")) ?? (await lacks("Chromium")),
  "the pipelines' page in Chromium",
  () => {
    const stage = new WebStage();
    const browser = new BrowserStage();

    afterEach(() => {
      expect(browser.complaints.splice(0)).toEqual([]);
    });

    const open = (runId: string, scheme?: "light" | "dark"): Promise<Page> =>
      browser.open(`${stage.url}#run=${runId}`, scheme);

    const stateOf = (page: Page, step: string): Promise<string | null> =>
      page.locator(`.graph [data-step="${step}"]`).getAttribute("data-state");

    it("lists runs, finds one by its name, and goes to it", async () => {
      const runId = await stage.run("needle-1", [sh("a", "true")]);
      await stage.run("hay-1", [sh("a", "true")]);
      await stage.until(runId, "success");
      const page = await browser.open(stage.url);
      await page.getByRole("searchbox", { name: "Find a run" }).fill("needle");
      await page.getByRole("link", { name: /^succeeded needle-1 .*1 of 1 steps/ }).click();
      await page.getByRole("heading", { name: "needle-1" }).waitFor();
      expect(await page.getByRole("navigation").getByRole("link").count()).toBe(1);
      await page.close();
    });

    it("changes the colours of steps while they run, and says so", async () => {
      const runId = await stage.run("live", [
        sh("first", "sleep 3"),
        sh("second", "sleep 2; exit 1", { depends_on: ["first"], allow_failure: true }),
        sh("third", "true", { depends_on: ["second"] }),
      ]);
      const page = await open(runId);
      const colour = (step: string): Promise<string> =>
        page.evaluate<string>(
          `getComputedStyle(document.querySelector('.graph [data-step="${step}"]')).borderLeftColor`,
        );
      await expect.poll(() => stateOf(page, "first"), { timeout: 10_000 }).toBe("running");
      expect(await stateOf(page, "third")).toBe("waiting");
      const running = await colour("first");
      await expect.poll(() => stateOf(page, "second"), { timeout: 15_000 }).toBe("running");
      const green = await colour("first");
      await expect.poll(() => stateOf(page, "third"), { timeout: 15_000 }).toBe("skipped");
      expect(new Set([running, green, await colour("second"), await colour("third")]).size).toBe(4);
      await page.getByRole("button", { name: /^failed second/ }).waitFor();
      await page
        .getByRole("status")
        .filter({ hasText: "The pipeline succeeded" })
        .waitFor({ state: "attached" });
      await page.locator('[data-step="third"]').click();
      await page.getByText("dependency second did not succeed").waitFor();
      await page.close();
    });

    it("shows a step's log as it is printed, in its colours, and searches it", async () => {
      const seen = join(stage.temporal.folder, "red-was-seen");
      const runId = await stage.run("logs", [
        sh(
          "loud",
          `printf '\\033[31mred\\033[0m one\\n'; echo oops >&2; until [ -e ${seen} ]; do sleep 0.1; done; ` +
            "seq 1 3000; printf 'the end\\n'; sleep 2",
        ),
      ]);
      const page = await open(runId);
      await page.locator('[data-step="loud"]').click();
      const log = page.getByRole("log");
      await log.getByText("red", { exact: true }).waitFor();
      expect(await log.getByText("red", { exact: true }).getAttribute("class")).toBe("ansi-red-fg");
      await log.locator(".error", { hasText: "oops" }).waitFor();
      await writeFile(seen, "");
      // The end comes by itself, and only what is seen is drawn.
      await log.getByText("the end").waitFor();
      expect(await log.locator(".line").count()).toBeLessThan(150);
      await page.keyboard.press("/");
      await page.keyboard.type("299");
      await page.getByText("1 of 13 lines").waitFor();
      await log.locator(".at mark").waitFor();
      expect(await log.locator(".at").textContent()).toContain("299");
      await page.keyboard.press("Enter");
      await page.getByText("2 of 13 lines").waitFor();
      await log.locator(".at", { hasText: "1299" }).waitFor();
      await page.getByRole("button", { name: "Errors only" }).click();
      await page.getByText("nothing found").waitFor();
      await page.close();
    });

    it("works with the keyboard only", async () => {
      const runId = await stage.run("keys", [
        sh("left", "echo left"),
        sh("upper", "true", { depends_on: ["left"] }),
        sh("lower", "true", { depends_on: ["left"] }),
        sh("right", "echo found it", { depends_on: ["upper", "lower"] }),
      ]);
      await stage.until(runId, "success");
      const page = await browser.open(stage.url);
      await page.getByRole("searchbox", { name: "Find a run" }).waitFor();
      const focused = (): Promise<string> =>
        page.evaluate<string>(
          "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''",
        );
      const tabTo = async (wanted: RegExp): Promise<void> => {
        for (let tries = 0; !wanted.test(await focused()); tries++) {
          if (tries > 60) throw new Error(`Tab does not come to ${String(wanted)}`);
          await page.keyboard.press("Tab");
        }
      };
      await tabTo(/^Find a run$/);
      await page.keyboard.type("keys");
      // The list comes from the server.
      await page.locator(".runs .count", { hasText: /^1$/ }).waitFor();
      await page.keyboard.press("ArrowDown");
      await expect.poll(focused).toMatch(/^keys.*4 of 4 steps/);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "keys" }).waitFor();
      await page.getByRole("button", { name: /^succeeded left/ }).waitFor();
      await tabTo(/^leftcommand/);
      await page.keyboard.press("ArrowRight");
      await expect.poll(focused).toMatch(/^(upper|lower)command/);
      await page.keyboard.press("ArrowRight");
      await expect.poll(focused).toMatch(/^rightcommand/);
      await page.keyboard.press("Enter");
      await page.getByRole("log").getByText("found it").waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("found");
      await page.getByText("1 of 1 lines").waitFor();
      await page.keyboard.press("Escape");
      await page.keyboard.press("Escape");
      await expect.poll(focused).toMatch(/^rightcommand/);
      await tabTo(/^Times$/).catch(async () => {
        for (let back = 0; back < 20 && (await focused()) !== "Times"; back++)
          await page.keyboard.press("Shift+Tab");
      });
      await page.keyboard.press("Enter");
      await page.getByRole("region", { name: "Steps by time" }).waitFor();
      await tabTo(/^left\d/);
      await page.keyboard.press("ArrowDown");
      await expect.poll(focused).toMatch(/^(upper|lower)\d/);
      await page.close();
    });

    it("tells of tries, reasons, and steps that no worker takes", async () => {
      const runId = await stage.run("reasons", [
        {
          id: "absent",
          type: "command",
          command: "no-such-program",
          retry: { attempts: 3, initial_seconds: 30 },
        },
        sh("lonely", "true", { queue: "nobody-works-here" }),
      ]);
      const page = await open(runId);
      await page.getByRole("button", { name: /^waiting for another try absent .*try 2\/3/ }).click();
      await page.getByText("try 1: no-such-program: there is no such program on this worker").waitFor();
      await page.getByRole("button", { name: /^waiting for a worker lonely/ }).click();
      await page.getByRole("region", { name: "lonely" }).getByText("nobody-works-here").waitFor();
      await page.getByRole("button", { name: "Cancel", exact: true }).click();
      await page.getByRole("button", { name: "Cancel the pipeline" }).click();
      await stage.until(runId, "failed");
      await page.close();
    });

    it("cancels a pipeline after asking", async () => {
      const runId = await stage.run("stop-me", [
        sh("a", "sleep 7442"),
        sh("b", "true", { depends_on: ["a"] }),
      ]);
      const page = await open(runId);
      await expect.poll(() => stateOf(page, "a"), { timeout: 10_000 }).toBe("running");
      await page.getByRole("button", { name: "Cancel", exact: true }).click();
      await page.getByRole("button", { name: "Keep it running" }).click();
      expect(await stateOf(page, "a")).toBe("running");
      await page.getByRole("button", { name: "Cancel", exact: true }).click();
      await page.getByRole("button", { name: "Cancel the pipeline" }).click();
      await page.locator(".head .badge", { hasText: /^cancelled$/ }).waitFor();
      expect([await stateOf(page, "a"), await stateOf(page, "b")]).toEqual(["cancelled", "cancelled"]);
      expect(processes().some(({ arguments: args }) => args.includes("7442"))).toBe(false);
      await page.close();
    });

    it.each(["light", "dark"] as const)("is readable and has names for everything, %s", async (scheme) => {
      const runId = await stage.run(`looks-${scheme}`, [
        sh(
          "good",
          "printf '\\033[31mr\\033[32mg\\033[33my\\033[34mb\\033[35mm\\033[36mc\\033[90mk\\033[0m\\n'; echo bad >&2",
        ),
        sh("bad", "exit 1", { allow_failure: true }),
        sh("after", "true", { depends_on: ["bad"] }),
      ]);
      await stage.until(runId, "success");
      const page = await open(runId, scheme);
      await page.locator('[data-step="good"]').click();
      await page.getByRole("log").locator(".ansi-red-fg").waitFor();
      const ground = await page.evaluate<string>(
        "getComputedStyle(document.documentElement).backgroundColor",
      );
      expect(ground).toBe(scheme === "dark" ? "rgb(13, 16, 21)" : "rgb(245, 246, 248)");
      expect(await inaccessible(page)).toEqual([]);
      await page.getByRole("link", { name: "Times" }).click();
      await page.getByRole("region", { name: "Steps by time" }).waitFor();
      expect(await inaccessible(page)).toEqual([]);
      await page.close();
    });

    it("shows 500 steps, draws those that are in sight, and takes what is typed meanwhile", async () => {
      const steps = Array.from({ length: 500 }, (_, index) =>
        sh(`s${index}`, "true", {
          depends_on: index < 20 ? [] : [`s${index - 20}`, `s${index - 1 - (index % 20 === 0 ? 0 : 19)}`],
        }),
      );
      const runId = await stage.run("wide", steps, { max_parallel: 20 });
      const page = await open(runId);
      await page.locator(".step").first().waitFor();
      const search = page.getByRole("searchbox", { name: "Find a run" });
      await search.pressSequentially("wide");
      await page.getByRole("link", { name: /^\S+ wide / }).waitFor();
      await stage.until(runId, "success");
      await page.locator(".head .badge", { hasText: "succeeded" }).waitFor();
      const zoomIn = page.getByRole("button", { name: "Zoom In" });
      for (let times = 0; times < 9; times++) await zoomIn.click();
      await expect.poll(() => page.locator(".step").count()).toBeLessThan(120);
      await page.getByRole("link", { name: "Times" }).click();
      await page.locator(".row").first().waitFor();
      expect(await page.locator(".row").count()).toBeLessThan(100);
      await page.close();
    });

    it("runs nothing of what a plan's names and a step's output say", async () => {
      const evil = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>';
      const runId = await stage.run(`evil-${evil}`, [
        sh(
          "a",
          `printf '%s\\n' '${evil}' '</code></div>${evil}' '\\033[31m${evil}\\033]8;;javascript:window.hit=1\\007link\\033]8;;\\007'`,
          {
            name: evil,
          },
        ),
        { id: evil, type: "command", command: evil, retry: { attempts: 1 }, allow_failure: true },
      ]);
      await stage.until(runId, "success");
      const page = await open(runId);
      await page.locator('[data-step="a"]').click();
      await page.getByRole("log").getByText(evil).first().waitFor();
      await page.getByRole("heading", { name: evil, exact: true }).waitFor();
      await page.getByRole("button", { name: "Close the step" }).click();
      await page.getByRole("button", { name: `failed ${evil}` }).click();
      await page.locator(".reason", { hasText: evil }).waitFor();
      expect(await page.locator("img, #app script").count()).toBe(0);
      expect(await page.evaluate("window.hit")).toBeUndefined();
      await page.close();
    });

    it("asks for the token, unless the address has it", async () => {
      const file = join(stage.temporal.folder, "token");
      await writeFile(file, "a-token-of-the-tests\n");
      const { url: locked, server } = await stage.serve("--token-file", file);
      const page = await browser.open(locked);
      await page.getByLabel(/^Token/).fill("wrong");
      await page.getByRole("button", { name: "Open" }).click();
      await page.getByText("This is not the token.").waitFor();
      await page.getByLabel(/^Token/).fill("a-token-of-the-tests");
      await page.getByRole("button", { name: "Open" }).click();
      await page.getByRole("navigation", { name: "Runs" }).getByRole("link").first().waitFor();
      await page.context().clearCookies();
      await page.goto("about:blank");
      await page.goto(`${locked}#token=a-token-of-the-tests`);
      await page.getByRole("navigation", { name: "Runs" }).getByRole("link").first().waitFor();
      expect(page.url()).not.toContain("token");
      await page.close();
      await server.kill();
      // Refusals are told on the console, as they should be.
      expect(browser.complaints.splice(0).every((text) => text.includes("401"))).toBe(true);
    });

    it("goes on with what logs tell while Temporal is away, and with Temporal once it is back", async () => {
      const runId = await stage.run("away", [sh("a", "sleep 4; echo late")]);
      const page = await open(runId);
      await expect.poll(() => stateOf(page, "a"), { timeout: 10_000 }).toBe("running");
      await stage.temporal.killServer();
      await page.getByText(/^Temporal does not answer at 127\.0\.0\.1/).waitFor();
      await page.getByRole("link", { name: /away / }).waitFor();
      await stage.temporal.startServer();
      await expect.poll(() => stateOf(page, "a"), { timeout: 90_000 }).toBe("success");
      await page.getByText(/^Temporal does not answer/).waitFor({ state: "detached" });
      await page.close();
    });
  },
);
