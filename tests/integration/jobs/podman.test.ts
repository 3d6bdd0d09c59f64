import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import which from "which";
import { aiHow, type Said } from "../../support/command.ts";
import { imageOf } from "../../support/docker.ts";
import { describeUnless } from "../../support/where.ts";

const IMAGE = "localhost/ai-how-test:1";

async function podmanLacks(): Promise<string | undefined> {
  for (const program of ["podman", "runc"])
    if ((await which(program, { nothrow: true })) === null)
      return `${program} is not installed: \`apt-get install podman catatonit runc\` brings it`;
  return process.getuid?.() === 0 ? undefined : "a store of its own needs root";
}

describeUnless(await podmanLacks(), "jobs on Podman", () => {
  const folder = mkdtempSync(join(tmpdir(), "ai-how-podman-"));
  const workspace = join(folder, "workspace");
  const env = {
    CONTAINERS_CONF: join(folder, "containers.conf"),
    CONTAINERS_STORAGE_CONF: join(folder, "storage.conf"),
    SYGALDRY_CONTAINER_ROOT: join(folder, "root"),
    SYGALDRY_PROJECT_ID: "tests",
    SYGALDRY_IMAGE: IMAGE,
  };

  beforeAll(async () => {
    mkdirSync(workspace);
    // Limits that a host without CAP_SYS_RESOURCE can set, and an engine without systemd.
    writeFileSync(
      env.CONTAINERS_CONF,
      `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
`,
    );
    writeFileSync(
      env.CONTAINERS_STORAGE_CONF,
      `[storage]
driver = "vfs"
graphroot = "${folder}/store"
runroot = "${folder}/run"
`,
    );
    await imageOf(join(folder, "image")).pipe(execa("podman", ["import", "-", IMAGE], { env }));
  });

  afterAll(async () => {
    await execa("podman", ["rm", "--all", "--force"], { env, reject: false });
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
