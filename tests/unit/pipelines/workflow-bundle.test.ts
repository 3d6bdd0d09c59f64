import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleWorkflows } from "../../../services/pipelines/workflow-bundle.ts";

describe("the bundle of the workflows", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ai-how-bundle-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("is kept in the place of older ones, and taken from there", async () => {
    const kept = join(folder, "kept");
    const { code } = await bundleWorkflows(kept);
    expect(code).toContain("function Pipeline");
    const [name = ""] = await readdir(kept);
    await writeFile(join(kept, name), "what was kept");
    expect(await bundleWorkflows(kept)).toEqual({ code: "what was kept" });

    await rm(join(kept, name));
    await writeFile(join(kept, "0123.js"), "of other code");
    expect(await bundleWorkflows(kept)).toEqual({ code });
    expect(await readdir(kept)).toEqual([name]);
  });

  it("is made where it cannot be kept", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    expect((await bundleWorkflows(join(file, "below"))).code).toContain("function Pipeline");
  });
});
