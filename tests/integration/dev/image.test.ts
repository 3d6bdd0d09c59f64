import { appendFileSync, cpSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { lacks } from "../../required.ts";
import { UserError } from "../../../config/errors.ts";
import { ensureImage, IMAGE_FOLDER } from "../../../services/dev/image.ts";
import { ContainerRuntime } from "../../../services/docker/runtime.ts";
import { aiHow } from "../../support/command.ts";
import { DockerEngine } from "../../support/docker.ts";
import { describeUnless } from "../../support/where.ts";
import { BASE, makeBase } from "./stage.ts";

const image = { name: "sygaldry/zephyr:base", isNamed: false };

describeUnless(await lacks("root", "Docker"), "the image of the development container", () => {
  const daemon = new DockerEngine();
  const engine = new ContainerRuntime({ program: "docker", variables: { DOCKER_HOST: daemon.host } });
  const folder = join(daemon.folder, "images");
  const said: string[] = [];
  const ensure = (wanted = image) =>
    ensureImage(engine, wanted, (line) => said.push(line.replace(/^building \S+: /, "")), folder);

  beforeAll(async () => {
    await daemon.start();
    await makeBase("docker", join(daemon.folder, "base"), daemon.env);
    cpSync(IMAGE_FOLDER, folder, { recursive: true });
    vi.stubEnv("SYGALDRY_BASE_IMAGE", BASE);
    vi.stubEnv("SYGALDRY_TOOLS", "none");
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await daemon.remove();
  });

  /** Images that have a name; the others are the builder's cache. */
  async function ids(): Promise<string[]> {
    const { stdout } = await daemon.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}");
    return stdout.split("\n").filter((line) => !line.startsWith("<none>"));
  }

  it("is built again when a file has changed, and not when only its time has", async () => {
    expect(await ensure()).toBe(true);
    utimesSync(join(folder, "Dockerfile"), new Date(), new Date());
    expect(await ensure()).toBe(false);
    appendFileSync(join(folder, "Dockerfile"), "ENV OF_TESTS=1\n");
    expect(await ensure()).toBe(true);
    expect(await ensure()).toBe(false);
    expect(said.splice(0)).toEqual(["the image is missing", "images/dev or a build argument has changed"]);
    const { stdout } = await daemon.docker("run", "--rm", image.name, "bash", "-c", "echo $OF_TESTS");
    expect(stdout).toBe("1");
  });

  it("stays when a build fails, of which nothing is left", async () => {
    const before = await ids();
    const temporary = () => readdirSync(tmpdir()).filter((name) => name.startsWith("ai-how-dev-"));
    const files = temporary();
    const script = join(folder, "install", "user.sh");
    cpSync(script, join(daemon.folder, "user.sh"));
    writeFileSync(script, "#!/bin/bash\necho no room >&2; exit 3\n");
    const failure: unknown = await ensure().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect(String(failure)).toMatch(/docker build: exit code \d+; see its output above/);
    expect(await ids()).toEqual(before);
    expect(await daemon.containers()).toEqual([]);
    expect(temporary()).toEqual(files);
    rmSync(script);
    cpSync(join(daemon.folder, "user.sh"), script);
    expect(await ensure()).toBe(false);
  });

  it("gets a tool whose checksum is right, ours or the one that is published, and no other", async () => {
    const before = await ids();
    const refused = await aiHow(["dev", "--build-only"], {
      env: { ...daemon.env, SYGALDRY_TOOLS: "go", SYGALDRY_PROJECT_ID: "tests" },
    });
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toMatch(/\/go1\.21\.5\.linux-\w+\.tar\.gz: FAILED/);
    expect(refused.output).toContain("/install/go.sh' returned a non-zero code: 1");
    expect(await ids()).toEqual(before);
    vi.stubEnv("SYGALDRY_TOOLS", "go");
    vi.stubEnv("GO_VERSION", "9.9.9");
    vi.stubEnv("BAZEL_VERSION", "7.0.0");
    expect(await ensure()).toBe(true);
    const entrypoint = ["--entrypoint", "/opt/ai-how/entrypoints/run-job.sh"];
    const ran = await daemon.docker("run", "--rm", ...entrypoint, image.name, "go");
    expect(ran.output).toBe("a fake go");
    const login = await daemon.docker("run", "--rm", image.name, "bash", "-lc", "type -p go");
    expect(login.stdout).toBe("/usr/local/go/bin/go");
    const { stdout } = await daemon.docker(
      "image",
      "inspect",
      "--format",
      "{{json .Config.Env}}",
      image.name,
    );
    expect(stdout).toContain("USE_BAZEL_FALLBACK_VERSION=7.0.0");
    for (const name of ["GO_VERSION", "BAZEL_VERSION"]) vi.stubEnv(name, undefined);
    vi.stubEnv("SYGALDRY_TOOLS", "none");
  });

  it("has whoever builds it as its user, whether the base has one of that number or not", async () => {
    const users = { 1000: "kvothe:.:1000:0:", 4711: "kvothe:.:4711:0:", 0: "root:x:0:0:" };
    vi.spyOn(process, "getgid").mockReturnValue(0);
    for (const [uid, entry] of Object.entries(users)) {
      vi.spyOn(process, "getuid").mockReturnValue(Number(uid));
      await ensure();
      const look = "getent passwd $(id -u); touch ~/a /workspace/b /opt/spack_store/c && stat --format %u ~";
      const { output } = await daemon.docker("run", "--rm", image.name, "bash", "-c", look);
      expect(output).toMatch(new RegExp(`^${entry}.*\n${uid}$`));
    }
    vi.restoreAllMocks();
  });

  it("of somebody else is used under its own name, and replaced under ours", async () => {
    await daemon.docker("tag", BASE, "mine:1");
    await daemon.docker("tag", BASE, image.name);
    said.length = 0;
    expect(await ensure({ name: "mine:1", isNamed: true })).toBe(false);
    expect(await ensure()).toBe(true);
    expect(await ensure({ name: "absent:1", isNamed: true })).toBe(true);
    expect(said).toEqual(["the existing image is not from ai-how", "the image is missing"]);
  });
});
