import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PulumiEngine } from "../../../engine/pulumi/index.ts";
import { findPulumi } from "../../../engine/select.ts";
import { DockerEngine, dockerLacks, TEST_IMAGE } from "../../support/docker.ts";
import { failures, Project, touched, type Run } from "../../support/project.ts";
import { describeUnless, dockerPluginLacks } from "../../support/where.ts";

const lacking = await dockerLacks();
const ENGINES = [
  ["in-process", lacking],
  ["pulumi", lacking ?? (await dockerPluginLacks())],
] as const;

describe.each(ENGINES)("Docker's resources by the engine %s", (engineName, without) => {
  describeUnless(without, "on a daemon of their own", () => {
    const docker = new DockerEngine();
    let project: Project;

    /** A container on a volume and a network, of an image that is built here. */
    const program = ({ message = "hello", restart = "no", secret = "first" } = {}): string => `
      const docker = await import("@pulumi/docker");
      const provider = new docker.Provider("docker", { host: "${docker.host}", disableDockerDaemonCheck: true });
      const opts = { provider };
      const image = new docker.Image("image", {
        imageName: "trial:1", skipPush: true,
        build: { context: "image", dockerfile: "image/Dockerfile", args: { MESSAGE: "${message}" } },
      }, opts);
      const network = new docker.Network("network", { name: "trial", driver: "bridge" }, opts);
      const volume = new docker.Volume("data", { name: "trial-data", driver: "local" }, opts);
      const box = new docker.Container("box", {
        name: "trial-box", image: image.repoDigest,
        entrypoints: ["bash", "-c"],
        command: ["trap 'exit 0' TERM; cat /message /etc/trial >> /data/log; echo up >> /data/log; while :; do sleep 0.2; done"],
        envs: pulumi.secret(["PASSWORD=${secret}"]),
        volumes: [{ volumeName: volume.name, containerPath: "/data" }],
        networksAdvanced: [{ name: network.id, aliases: ["box"] }],
        uploads: [{ file: "/etc/trial", content: "uploaded\\n" }],
        ports: [{ internal: 80, external: 18080, ip: "127.0.0.1" }],
        healthcheck: { tests: ["CMD", "cat", "/data/log"], interval: "1s", timeout: "5s", startPeriod: "0s", retries: 3 },
        restart: "${restart}", wait: true, waitTimeout: 60, destroyGraceSeconds: 5,
      }, opts);
      export const id = box.id;
      export const imageId = image.repoDigest;`;

    const run = async (operation: "preview" | "up" | "refresh" | "down"): Promise<Run> => {
      if (engineName === "in-process") return project.run(operation);
      const engine = new PulumiEngine(project, (await findPulumi()) ?? "");
      return project.run(operation, new AbortController(), engine);
    };
    const up = async (): Promise<Run> => {
      const done = await run("up");
      expect([...failures(done), done.error?.message]).toEqual([undefined]);
      return done;
    };
    const inspect = async (what: string, format: string): Promise<string> =>
      (await docker.docker("inspect", "--format", format, what)).stdout;
    const log = async (): Promise<string[]> =>
      (await docker.docker("exec", "trial-box", "cat", "/data/log")).stdout.split("\n");

    beforeAll(async () => {
      await docker.start();
      await docker.makeImage();
      project = await Project.create(program(), { keep: true });
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
      expect([...failures(preview), preview.error?.message]).toEqual([undefined]);
      expect(touched(preview, "create")).toEqual(expect.arrayContaining(["box", "data", "image", "network"]));
      expect(existsSync("/nowhere")).toBe(false);
      await project.program(program());
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
      expect((await docker.inNetwork("ss", "-Hltn")).stdout).toContain("127.0.0.1:18080");
      const again = await up();
      for (const operation of ["create", "update", "replace", "delete"] as const)
        expect(touched(again, operation), operation).toEqual([]);
    });

    it("keep the secret out of what is shown and written", async () => {
      const shown = await run("preview");
      expect(JSON.stringify(shown.events)).not.toContain("PASSWORD=first");
    });

    it("are started again where somebody stopped the container", async () => {
      const id = await inspect("trial-box", "{{.Id}}");
      await docker.docker("stop", "--time", "1", "trial-box");
      expect(touched(await up(), "update")).toEqual(["box"]);
      expect(await inspect("trial-box", "{{.Id}} {{.State.Running}}")).toBe(`${id} true`);
    });

    it("are made again where somebody removed the container, with the data of before", async () => {
      await docker.docker("rm", "--force", "trial-box");
      expect(touched(await up(), "create")).toEqual(["box"]);
      expect((await log()).filter((line) => line === "up").length).toBeGreaterThan(1);
    });

    it("update a restart policy in place, and replace the container for another secret", async () => {
      const id = await inspect("trial-box", "{{.Id}}");
      await project.program(program({ restart: "unless-stopped" }));
      expect(touched(await up(), "update")).toEqual(["box"]);
      expect(await inspect("trial-box", "{{.Id}} {{.HostConfig.RestartPolicy.Name}}")).toBe(
        `${id} unless-stopped`,
      );
      await project.program(program({ restart: "unless-stopped", secret: "second" }));
      expect(touched(await up(), "replace")).toEqual(["box"]);
      expect(await inspect("trial-box", "{{json .Config.Env}}")).toContain("PASSWORD=second");
    });

    it("build the image anew when a file or an argument changes, and replace what runs it", async () => {
      const before = await inspect("trial:1", "{{.Id}}");
      await writeFile(join(project.root, "image", "message"), "from another image\n");
      const run = await up();
      expect(touched(run, "update")).toEqual(["image"]);
      expect(touched(run, "replace")).toEqual(["box"]);
      expect(await inspect("trial:1", "{{.Id}}")).not.toBe(before);
      expect(await log()).toContain("from another image");
    });

    it("go, and the image stays", async () => {
      const down = await run("down");
      expect([...failures(down), down.error?.message]).toEqual([undefined]);
      expect(await docker.containers()).toEqual([]);
      expect((await docker.docker("volume", "ls", "--quiet")).stdout).toBe("");
      expect((await docker.docker("network", "ls", "--format", "{{.Name}}")).stdout).not.toContain("trial");
      expect((await docker.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")).stdout).toContain(
        "trial:1",
      );
    });
  });
});
