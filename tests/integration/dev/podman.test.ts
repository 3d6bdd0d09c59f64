import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { aiHowCommand, Running } from "../../support/command.ts";
import { PodmanStore } from "../../support/podman.ts";
import { describeUnless } from "../../support/where.ts";
import { BASE, makeBase } from "./stage.ts";

describeUnless(await lacks("root", "Podman"), "the development container on Podman", () => {
  const folder = mkdtempSync(join(tmpdir(), "ai-how-podman-"));
  const store = new PodmanStore(folder);
  const workspace = join(folder, "workspace");

  beforeAll(async () => {
    mkdirSync(workspace);
    await makeBase("podman", join(folder, "base"), store.env);
  });
  afterAll(async () => {
    await store.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is built with the builder's caches, runs, and is not built again", async () => {
    const env = {
      ...store.env,
      SYGALDRY_CONTAINER_ROOT: join(folder, "root"),
      SYGALDRY_BASE_IMAGE: `localhost/${BASE}`,
      SYGALDRY_TOOLS: "none",
    };
    // A build brings rules of a firewall with it that Podman never takes back: not into the host's.
    const dev = (...args: string[]) =>
      new Running(
        "unshare",
        [
          ...["--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", aiHowCommand],
          ...["dev", "--engine", "podman", "--project-root", workspace, ...args],
        ],
        { env },
      ).ended;
    const said = await dev("--", "bash", "-c", "echo $SYGALDRY_PROJECT_ID >/workspace/here; exit 6");
    expect(said.exitCode, said.output).toBe(6);
    expect(said.output).toContain("--mount=type=cache,id=ai-how-pip");
    expect(readFileSync(join(workspace, "here"), "utf8")).toBe("workspace\n");
    const again = await dev("-e", "verify-gpu");
    expect(again.exitCode).toBe(1);
    expect(again.output).not.toContain("note: building");
  });
});
