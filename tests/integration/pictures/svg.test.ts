import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BenchProject } from "../../../bench/project.ts";
import { draw } from "../../../cli/pictures/draw.ts";
import { lacks } from "../../required.ts";
import { BrowserStage } from "../../support/browser.ts";
import { aiHowCommand } from "../../support/command.ts";
import { measurePicture, unreadable, type MeasuredPicture } from "../../support/svg.ts";
import { describeUnless } from "../../support/where.ts";

// With 32 compute nodes the stack has more than 200 resources, and its topology 34 boxes.
const NODES = 32;
// What a browser can still scroll through and print: some ten screens high.
const LARGEST = { width: 4000, height: 12_000 };

describeUnless(await lacks("Chromium"), "an SVG picture in Chromium", () => {
  const browser = new BrowserStage();
  let project: BenchProject;
  let folder: string;

  beforeAll(async () => {
    project = await BenchProject.create();
    await project.writeCluster("picture", "vm", NODES);
    folder = await mkdtemp(join(tmpdir(), "ai-how-pictures-"));
  });
  afterAll(async () => {
    await project.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function show(file: string): Promise<MeasuredPicture> {
    const page = await browser.open(pathToFileURL(file).href);
    const measured = await measurePicture(page);
    await page.close();
    return measured;
  }

  async function picture(...args: string[]): Promise<MeasuredPicture> {
    const file = join(folder, `${args[0] ?? ""}-${args.length}.svg`);
    await execa(aiHowCommand, [...args, "-f", "svg", "-o", file], { cwd: project.root });
    return show(file);
  }

  it.each([
    { what: "every resource of a stack", args: ["graph", "picture", "--expand"], least: 200 },
    { what: "the components of a stack", args: ["graph", "picture"], least: 5 },
    { what: "a topology", args: ["topology", "picture.cluster.yaml"], least: NODES + 2 },
  ])("of $what has no text that is cut or covered, and a size to look at", async ({ args, least }) => {
    const measured = await picture(...args);
    expect(measured.boxes.length).toBeGreaterThanOrEqual(least);
    expect(measured.boxes.filter(({ texts }) => texts.length === 0)).toEqual([]);
    expect(unreadable(measured)).toEqual([]);
    expect(measured.size.width).toBeLessThan(LARGEST.width);
    expect(measured.size.height).toBeLessThan(LARGEST.height);
  });

  it("whose text is too long for its box is found", async () => {
    const svg = await draw({ boxes: [{ id: "a", label: ["a name"] }], arrows: [] }, "svg");
    const file = join(folder, "cut.svg");
    await writeFile(file, svg.replace(">a name<", ">a name that somebody has put there<"));
    expect(unreadable(await show(file))).toEqual(["a name that somebody has put there leaves its box a"]);
  });
});
