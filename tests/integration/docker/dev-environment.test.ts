import { chown, lstat, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { DockerEngine, TEST_IMAGE } from "../../support/docker.ts";
import { failures, Project, repository, touched, type Run } from "../../support/project.ts";
import { usePulumi } from "../../support/pulumi.ts";
import { describeUnless } from "../../support/where.ts";

const components = join(repository, "components", "workshop");

describeUnless(await lacks("root", "Docker", "Pulumi's CLI"), "a development environment", () => {
  const docker = new DockerEngine();
  let project: Project;

  const program = (digest = "a"): string => `
    const { DockerHost } = await import("${components}/../docker/docker-host.ts");
    const { DevImage } = await import("${components}/dev-image.ts");
    const { DevEnvironment } = await import("${components}/dev-environment.ts");
    const opts = { providers: [new DockerHost("host", { host: "${docker.host}" }).docker] };
    const owner = { uid: 1001, gid: 1002 };
    const image = new DevImage("image", {
      ...owner, base: "${TEST_IMAGE}", context: "dev", contentDigest: "${digest}",
    }, opts);
    const made = new DevEnvironment("vision", { projectId: "vision", root: "${root()}", ...owner, image }, opts);
    export const { root, imageName } = made;`;
  const root = (): string => join(project.root, "projects", "vision");

  const up = async (): Promise<Run> => {
    const done = await project.run("up");
    expect([...failures(done), done.error?.message]).toEqual([undefined]);
    return done;
  };
  const look = async (part: string): Promise<string> => {
    const { uid, gid, mode } = await lstat(join(root(), part));
    return `${uid}:${gid} ${(mode & 0o777).toString(8)}`;
  };

  beforeAll(async () => {
    await docker.start();
    await docker.makeImage();
    project = await Project.create("", { keep: true, cli: await usePulumi() });
    await project.program(program());
    await mkdir(join(project.root, "dev"));
    await writeFile(
      join(project.root, "dev", "Dockerfile"),
      "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nARG HOST_UID HOST_GID\nUSER ${HOST_UID}:${HOST_GID}\n",
    );
  });
  afterAll(async () => {
    await docker.remove();
    await project.remove();
  });

  it("has its image, its folders with their owner, and the launcher's settings", async () => {
    await up();
    const { imageName } = await project.outputs();
    const user = await docker.docker("inspect", "--format", "{{.Config.User}}", String(imageName));
    expect(user.stdout).toBe("1001:1002");
    expect(await look(".")).toBe("1001:1002 755");
    expect(await look("monorepo_home")).toBe("1001:1002 700");
    expect(await look("hf_cache")).toBe("1001:1002 755");
    expect(await readFile(join(root(), "config", "dev.env"), "utf8")).toBe(
      `SYGALDRY_PROJECT_ID=vision\nSYGALDRY_CONTAINER_ROOT=${root()}\nSYGALDRY_IMAGE=${String(imageName)}\n`,
    );
    expect((await project.run("up")).summary).toEqual({ same: expect.any(Number) as number });
  });

  it("lets any container of that user write into a cache by its name", async () => {
    const { imageName } = await project.outputs();
    const mount = ["--network", "none", "--volume", "ai-how-vision-hf_cache:/opt/hf_cache"];
    const line = "echo weights > /opt/hf_cache/model";
    const ran = await docker.docker("run", "--rm", ...mount, String(imageName), "bash", "-c", line);
    expect(ran.exitCode, ran.output).toBe(0);
    expect(await readFile(join(root(), "hf_cache", "model"), "utf8")).toBe("weights\n");
    expect(await look("hf_cache/model")).toBe("1001:1002 644");
  });

  it("is put right where a folder's owner, a folder or the image is not as it was, and nothing else is done", async () => {
    const { imageName } = await project.outputs();
    await chown(join(root(), "spack_store"), 0, 0);
    await rm(join(root(), "logs"), { recursive: true });
    await docker.docker("image", "rm", String(imageName));
    const done = await up();
    expect(touched(done, "update")).toEqual(["vision-spack-store"]);
    expect(touched(done, "create")).toEqual(["image-image", "vision-logs"]);
    expect(await look("spack_store")).toBe("1001:1002 755");
  });

  it("gets another image for another content, and who runs the old one keeps it", async () => {
    const { imageName: before } = await project.outputs();
    await project.program(program("b"));
    expect(touched(await up(), "update")).toEqual(["image-image", "vision-config"]);
    const { imageName } = await project.outputs();
    expect(imageName).not.toBe(before);
    for (const name of [before, imageName])
      expect((await docker.docker("image", "inspect", String(name))).exitCode).toBe(0);
    expect(await readFile(join(root(), "config", "dev.env"), "utf8")).toContain(String(imageName));
  });

  it("goes, and what is in the folders stays", async () => {
    expect((await project.run("down")).error).toBeUndefined();
    expect((await docker.docker("volume", "ls", "--quiet")).stdout).toBe("");
    expect(await readFile(join(root(), "hf_cache", "model"), "utf8")).toBe("weights\n");
    await expect(lstat(join(root(), "config"))).rejects.toThrow("ENOENT");
  });
});
