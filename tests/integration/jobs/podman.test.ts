import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { aiHow, type Said } from "../../support/command.ts";
import { imageOf } from "../../support/docker.ts";
import { PodmanStore } from "../../support/podman.ts";
import { describeUnless } from "../../support/where.ts";

const IMAGE = "localhost/ai-how-test:1";

describeUnless(await lacks("root", "Podman"), "jobs on Podman", () => {
  const folder = mkdtempSync(join(tmpdir(), "ai-how-podman-"));
  const workspace = join(folder, "workspace");
  const store = new PodmanStore(folder);
  const env = {
    ...store.env,
    SYGALDRY_CONTAINER_ROOT: join(folder, "root"),
    SYGALDRY_PROJECT_ID: "tests",
    SYGALDRY_IMAGE: IMAGE,
  };

  beforeAll(async () => {
    mkdirSync(workspace);
    await imageOf(join(folder, "image")).pipe(execa("podman", ["import", "-", IMAGE], { env }));
  });

  afterAll(async () => {
    await store.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  function ask(command: string, ...args: string[]): Promise<Said> {
    return aiHow(["job", command, "--job", "pod", ...args], { env });
  }

  function run(line: string, ...options: string[]): Promise<Said> {
    return ask("run", "--project-root", workspace, "--engine", "podman", ...options, "--", line);
  }

  it("run, end with their exit code, and are stopped with time to end", async () => {
    const said = await run("echo hi; exit 5", "--wait");
    expect(said.exitCode, said.output).toBe(5);
    expect((await ask("tail", "--output")).stdout).toBe("hi");
    expect((await run("trap 'echo bye; exit 4' TERM; echo on; while :; do sleep 0.1; done")).exitCode).toBe(
      0,
    );
    // An environment that names no engine still asks the one that has the job.
    const elsewhere = await aiHow(["job", "status", "--job", "pod"], {
      env: { ...env, CONTAINERS_STORAGE_CONF: "" },
    });
    expect(elsewhere.stdout).toMatch(/^PROGRESS job=pod/);
    await expect.poll(async () => (await ask("tail", "--output")).stdout, { timeout: 20_000 }).toBe("on");
    expect((await ask("stop")).stdout).toMatch(/^STOPPED job=pod ts=\S+ rc=4$/);
    expect((await ask("tail", "--output")).stdout).toMatch(/bye$/);
    const { stdout } = await execa("podman", ["ps", "--all", "--quiet"], { env });
    expect(stdout).toBe("");
  });
});
