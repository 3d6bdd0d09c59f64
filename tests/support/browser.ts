import axe from "axe-core";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { z } from "zod";
import { findChromium } from "../required.ts";

/** A browser of one file's tests. */
export class BrowserStage {
  /** What pages complained of: errors of scripts, and what their policy forbade. */
  readonly complaints: string[] = [];
  #browser: Browser | undefined;

  /** Registers its own setting up and taking down with vitest. */
  constructor() {
    beforeAll(async () => {
      const { path: executablePath } = await findChromium();
      // Its sandbox does not run as root.
      this.#browser = await chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
    });
    afterAll(() => this.#browser?.close());
  }

  async open(url: string, colorScheme: "light" | "dark" = "light"): Promise<Page> {
    if (this.#browser === undefined) throw new Error("no browser");
    const page = await this.#browser.newPage({
      viewport: { width: 1440, height: 900 },
      colorScheme,
      // What moves would be looked at in the middle of its way.
      reducedMotion: "reduce",
    });
    page.setDefaultTimeout(30_000);
    page.on("pageerror", ({ message }) => this.complaints.push(message));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }
}

const axeSchema = z.array(
  z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string(), failureSummary: z.string() })) }),
);

/** What axe finds wrong for people who cannot see well, or use no mouse: empty where nothing. */
export async function inaccessible(page: Page): Promise<string[]> {
  // The page's policy lets no other script in; this is put in from outside, as extensions are.
  const found = axeSchema.parse(
    await page.evaluate(`${axe.source};axe.run().then(({ violations }) => violations)`),
  );
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
  );
}
