import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { DockerEngine, TEST_IMAGE } from "../../support/docker.ts";
import type { Operation } from "../../../engine/events.ts";
import { failures, Project, touched, type Run } from "../../support/project.ts";
import { usePulumi } from "../../support/pulumi.ts";
import { describeUnless } from "../../support/where.ts";

const cli = await usePulumi();
const NAMES = ["box", "cache", "daemon", "data", "image", "network"];

/** Which of the program's own resources a run did something to: Pulumi tells of its stack and providers, too. */
function ours(run: Run, operation: Operation): string[] {
  return touched(run, operation).filter((name) => NAMES.includes(name));
}

/** What failed, and what was told as an error. */
function problems(run: Run): string[] {
  const told = run.events.flatMap((event) =>
    event.type === "log" && event.level === "error" ? [event.line] : [],
  );
  return [...failures(run), ...told];
}

const lacking = await lacks("root", "Docker", "Pulumi's CLI");

describeUnless(lacking, "Docker's resources, by the stand-in for Pulumi's plugin", () => {
  const docker = new DockerEngine();
  let project: Project;

  /** A container on a volume and a network, of an image that is built here. */
  const program = ({ message = "hello", restart = "no", secret = "first" } = {}): string => `
      const docker = await import("@pulumi/docker");
      const daemon = new host.DockerDaemon("daemon", { host: "${docker.host}" });
      const provider = new docker.Provider("docker", { host: daemon.address });
      const opts = { provider };
      const image = new docker.Image("image", {
        imageName: "trial:1", skipPush: true,
        build: { context: "image", dockerfile: "image/Dockerfile", args: { MESSAGE: "${message}" } },
      }, opts);
      const network = new docker.Network("network", { name: "trial", driver: "bridge" }, opts);
      const volume = new docker.Volume("data", { name: "trial-data", driver: "local" }, { ...opts, protect: true });
      const cache = new docker.Volume("cache", {
        name: "trial-cache", driver: "local",
        driverOpts: { type: "none", o: "bind", device: "${join(project.root, "cache")}" },
      }, opts);
      const box = new docker.Container("box", {
        name: "trial-box", image: image.repoDigest,
        entrypoints: ["bash", "-c"],
        command: ["trap 'exit 0' TERM; cat /message /etc/trial >> /data/log; echo up >> /data/log; echo kept > /cache/file; while :; do sleep 0.2; done"],
        envs: pulumi.secret(["PASSWORD=${secret}"]),
        volumes: [
          { volumeName: volume.name, containerPath: "/data" }, { volumeName: cache.name, containerPath: "/cache" },
        ],
        networksAdvanced: [{ name: network.id, aliases: ["box"] }],
        uploads: [{ file: "/etc/trial", content: "uploaded\\n" }],
        ports: [{ internal: 80, external: 18080, ip: "127.0.0.1" }],
        healthcheck: { tests: ["CMD", "cat", "/data/log"], interval: "1s", timeout: "5s", startPeriod: "0s", retries: 3 },
        restart: "${restart}", wait: true, waitTimeout: 60, destroyGraceSeconds: 5,
      }, opts);
      export const id = box.id;
      export const imageId = image.repoDigest;`;

  const run = (operation: "preview" | "up"): Promise<Run> => project.run(operation);
  const up = async (): Promise<Run> => {
    const done = await run("up");
    expect([...problems(done), done.error?.message]).toEqual([undefined]);
    return done;
  };
  const inspect = async (what: string, format: string): Promise<string> =>
    (await docker.docker("inspect", "--format", format, what)).stdout;
  const log = async (): Promise<string[]> =>
    (await docker.docker("exec", "trial-box", "cat", "/data/log")).stdout.split("\n");

  beforeAll(async () => {
    await docker.start();
    await docker.makeImage();
    project = await Project.create("", { keep: true, cli });
    await project.program(program());
    await mkdir(join(project.root, "cache"));
    await mkdir(join(project.root, "image"));
    await writeFile(
      join(project.root, "image", "Dockerfile"),
      `FROM ${TEST_IMAGE}\nARG MESSAGE\nLABEL message=$MESSAGE\nCOPY message /message\n`,
    );
    await writeFile(join(project.root, "image", "message"), "from the image\n");
  });
  afterAll(async () => {
    await docker.remove();
    await project.remove();
  });

  it("are shown in a preview that asks no daemon", async () => {
    const elsewhere = program().replace(docker.host, "unix:///nowhere/docker.sock");
    await project.program(elsewhere);
    const preview = await run("preview");
    await project.program(program());
    expect([...problems(preview), preview.error?.message]).toEqual([undefined]);
    expect(ours(preview, "create")).toEqual(NAMES);
    expect(existsSync("/nowhere")).toBe(false);
  });

  it("come up: built, healthy, with network, volume, port and file; the second time nothing is done", async () => {
    await up();
    expect(await log()).toEqual(["from the image", "uploaded", "up"]);
    expect(await inspect("trial:1", '{{index .Config.Labels "message"}}')).toBe("hello");
    expect(await inspect("trial-box", "{{.State.Health.Status}}")).toBe("healthy");
    expect(await inspect("trial-box", "{{json .HostConfig.PortBindings}}")).toBe(
      '{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"18080"}]}',
    );
    expect(
      Object.keys(JSON.parse(await inspect("trial-box", "{{json .NetworkSettings.Networks}}")) as object),
    ).toEqual(["trial"]);
    expect((await docker.runInNetwork("ss", "-Hltn")).stdout).toContain("127.0.0.1:18080");
    const again = await up();
    for (const operation of ["create", "update", "replace", "delete"] as const)
      expect(ours(again, operation), operation).toEqual([]);
  });

  it("run again where somebody stopped the container", async () => {
    await docker.docker("stop", "--time", "1", "trial-box");
    const done = await up();
    expect(ours(done, "update")).toEqual(["box"]);
    expect(await inspect("trial-box", "{{.State.Health.Status}}")).toBe("healthy");
    expect((await log()).filter((line) => line === "up")).toHaveLength(2);
  });

  it("are made again where somebody removed container and volume", async () => {
    await docker.docker("rm", "--force", "trial-box");
    await docker.docker("volume", "rm", "trial-data");
    expect(ours(await up(), "create")).toEqual(["box", "data"]);
    expect(await log()).toEqual(["from the image", "uploaded", "up"]);
  });

  it("take another restart policy as they are", async () => {
    const id = await inspect("trial-box", "{{.Id}}");
    await project.program(program({ restart: "unless-stopped" }));
    expect(ours(await up(), "update")).toEqual(["box"]);
    expect(await inspect("trial-box", "{{.Id}} {{.HostConfig.RestartPolicy.Name}}")).toBe(
      `${id} unless-stopped`,
    );
  });

  it("are built anew for another file, and replaced for the image and another secret, which nobody is shown", async () => {
    const before = await inspect("trial:1", "{{.Id}}");
    await writeFile(join(project.root, "image", "message"), "from another image\n");
    await project.program(program({ restart: "unless-stopped", secret: "second" }));
    const done = await up();
    expect(ours(done, "update")).toEqual(["image"]);
    expect(ours(done, "replace")).toEqual(["box"]);
    expect(await inspect("trial:1", "{{.Id}}")).not.toBe(before);
    expect(await log()).toContain("from another image");
    expect(await inspect("trial-box", "{{json .Config.Env}}")).toContain("PASSWORD=second");
    expect(JSON.stringify(done.events)).not.toMatch(/PASSWORD=(first|second)/);
  });

  it("go, but for the image, what is protected, and what lies in a folder of the host", async () => {
    const options = { emit: () => undefined, signal: new AbortController().signal, parallel: 8 };
    await project.ownEngine.down({ ...options, excludeProtected: true });
    expect(await docker.containers()).toEqual([]);
    expect((await docker.docker("volume", "ls", "--quiet")).stdout).toBe("trial-data");
    expect((await docker.docker("network", "ls", "--format", "{{.Name}}")).stdout).not.toContain("trial");
    const images = await docker.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}");
    expect(images.stdout).toContain("trial:1");
    expect(await readFile(join(project.root, "cache", "file"), "utf8")).toBe("kept\n");
  });
});
