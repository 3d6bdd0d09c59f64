import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { lacks } from "../../required.ts";
import { Running } from "../../support/command.ts";
import { DockerEngine, imageOf, PROGRAMS, TEST_IMAGE } from "../../support/docker.ts";
import { repository } from "../../support/project.ts";
import { sh } from "../../support/web.ts";
import { describeUnless } from "../../support/where.ts";

// The host's own, not that of a virtual environment.
const PYTHON = "/usr/bin/python3";
const [noTemporal, noDocker] = [await lacks("Temporal"), await lacks("root", "Docker")];
const SECTION = /^## The workshop.*?(?=^## )/ms;
const section = SECTION.exec(readFileSync(join(repository, "README.md"), "utf8"))?.[0] ?? "";

/** The commands of each console block of README's section, as they are written. */
const blocks = [...section.matchAll(/^```console\n(.*?)^```$/gms)].map(([, body = ""]) =>
  body.split("\n").flatMap((line) => (line.startsWith("$ ") ? [line.slice(2)] : [])),
);

/** The block with a command that begins so. */
function blockOf(beginning: string): readonly string[] {
  const found = blocks.find((commands) => commands.some((command) => command.startsWith(beginning)));
  if (found === undefined) throw new Error(`README's section has no \`${beginning}\``);
  return found;
}

describe("the commands of README's workshop section", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ai-how-readme-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const env = (): Record<string, string> => ({
    PATH: `${join(repository, "bin")}:${process.env.PATH ?? ""}`,
    XDG_STATE_HOME: join(folder, "state"),
  });

  describeUnless(noTemporal, "for pipelines", () => {
    const started: Running[] = [];
    afterAll(async () => {
      for (const each of started.reverse()) await each.kill().catch(() => undefined);
    });

    it("run a plan, with Temporal, worker and page at their own ports", async () => {
      const [server, worker, web, run, ...more] = blockOf("ai-how pipeline");
      expect(more).toEqual([]);
      // A network of their own: other tests may have the same ports.
      const network = new Running("unshare", [
        "--net",
        "sh",
        "-c",
        "ip link set lo up; echo up; exec sleep 600",
      ]);
      started.push(network);
      await network.until(/up/, 10);
      const launch = (command = ""): Running => {
        const inFolder = ["--", "bash", "-c", `cd ${folder} && exec ${command}`];
        const running = new Running("nsenter", [`--net=/proc/${network.pid}/ns/net`, ...inFolder], {
          env: env(),
        });
        started.push(running);
        return running;
      };
      writeFileSync(join(folder, "plan.yaml"), stringify({ steps: [sh("hello", "echo from $PWD")] }));
      await launch(server).until(/Server: +\S+:7233/, 30);
      await launch(worker).until(/^working on orchestration at localhost:7233/m, 60);
      await launch(web).until(/^http:\/\/127\.0\.0\.1:8787\//m, 30);
      const { exitCode, stdout, output } = await launch(run).ended;
      expect(exitCode, output).toBe(0);
      expect(parse(stdout)).toMatchObject({
        succeeded: true,
        steps: [{ id: "hello", state: "success", result: { stdout: `from ${folder}\n` } }],
      });
    });
  });

  describeUnless(noDocker, "for jobs", () => {
    const docker = new DockerEngine();
    beforeAll(async () => {
      await docker.start();
      const root = join(docker.folder, "image");
      const library = execFileSync(
        "python3",
        ["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"],
        {
          encoding: "utf8",
        },
      ).trim();
      mkdirSync(join(root, library), { recursive: true });
      cpSync(library, join(root, library), { recursive: true });
      await imageOf(root, [...PROGRAMS, PYTHON]).pipe(
        execa("docker", ["import", "-", TEST_IMAGE], { env: docker.env }),
      );
    });
    afterAll(() => docker.remove());

    it("start a job and follow what it prints", async () => {
      const [run = "", tail = "", ...more] = blockOf("ai-how job");
      expect(more).toEqual([]);
      writeFileSync(join(folder, "train.py"), "for epoch in range(3): print('epoch', epoch, flush=True)\n");
      const jobEnv = {
        ...env(),
        ...docker.env,
        SYGALDRY_CONTAINER_ROOT: join(docker.folder, "root"),
        SYGALDRY_IMAGE: TEST_IMAGE,
      };
      const inFolder = (command: string): Running =>
        new Running("bash", ["-c", `cd ${folder} && exec ${command}`], { env: jobEnv });
      const begun = await inFolder(run).ended;
      expect(begun.exitCode, begun.output).toBe(0);
      const followed = inFolder(tail);
      await followed.until(/epoch 0\s+epoch 1\s+epoch 2/, 30);
      expect((await followed.ended).exitCode).toBe(0);
    });
  });
});
