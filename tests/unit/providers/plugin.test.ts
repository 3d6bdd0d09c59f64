import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Running } from "../../support/command.ts";
import { repository } from "../../support/project.ts";

test("a provider that is killed, as Pulumi's CLI does, has kept its compiled code", async () => {
  const cache = await mkdtemp(join(tmpdir(), "ai-how-plugin-"));
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  const launcher = join(repository, "providers/host/pulumi-resource-host");
  const plugin = new Running(launcher, ["127.0.0.1:1"], { env: { NODE_COMPILE_CACHE: cache } });
  try {
    await plugin.until(/^\d+\n/);
    const kept = () => readdir(cache, { recursive: true });
    await expect.poll(kept, { timeout: 10_000 }).toContainEqual(expect.stringMatching(/\/./));
  } finally {
    expect(await plugin.kill()).toMatchObject({ signal: "SIGKILL" });
  }
});
