import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it, test } from "vitest";
import { createNamespace, setUpSchema } from "../../../components/workshop/temporal-scripts.ts";
import { temporalImages } from "../../../versions/images.ts";
import { parse } from "yaml";
import { mockedResources, PASSWORD } from "../../support/mocks.ts";

const { made, one } = mockedResources();

/** Makes a component and waits for its outputs. */
async function make<Component>(
  build: () => Component,
  settled: (of: Component) => pulumi.Output<unknown>[],
): Promise<Component> {
  const component = build();
  await new Promise((resolve) => pulumi.all(settled(component)).apply(resolve));
  return component;
}

describe("the image of development containers", () => {
  async function nameOf(more: object): Promise<unknown> {
    const { DevImage } = await import("../../../components/workshop/dev-image.ts");
    const args = { uid: 1000, gid: 1000, contentDigest: "a".repeat(64), ...more };
    await make(
      () => new DevImage("image", args),
      ({ imageName }) => [imageName],
    );
    return made.splice(0).find(({ name }) => name === "image-image")?.inputs.imageName;
  }

  it("has a tag that depends on its content only", async () => {
    const name = await nameOf({});
    expect(name).toMatch(/^sygaldry\/zephyr:[0-9a-f]{12}$/);
    expect(await nameOf({})).toBe(name);
    const others = [
      { uid: 1001 },
      { gid: 1001 },
      { base: "debian:12" },
      { contentDigest: "b".repeat(64) },
      { platform: "linux/arm64" },
    ];
    const names = new Set([name]);
    for (const other of others) names.add(await nameOf(other));
    expect(names.size).toBe(others.length + 1);
  });

  it("is built by BuildKit from images/dev, and not pushed", async () => {
    const { DevImage } = await import("../../../components/workshop/dev-image.ts");
    const args = { uid: 1001, gid: 1002, base: "debian:12", contentDigest: "a".repeat(64) };
    await make(
      () => new DevImage("image", args),
      ({ imageName }) => [imageName],
    );
    expect(one("image-image").inputs).toMatchObject({
      skipPush: true,
      build: {
        context: "images/dev",
        dockerfile: "images/dev/Dockerfile",
        builderVersion: "BuilderBuildKit",
        args: { BASE_IMAGE: "debian:12", HOST_UID: "1001", HOST_GID: "1002" },
      },
    });
  });
});

test("a development environment has the launcher's folders with their owner, and a volume for each cache", async () => {
  const { DevEnvironment } = await import("../../../components/workshop/dev-environment.ts");
  const { DevImage } = await import("../../../components/workshop/dev-image.ts");
  await make(
    () =>
      new DevEnvironment("it", {
        projectId: "vision",
        root: "/srv/vision",
        uid: 1001,
        gid: 1002,
        image: new DevImage("image", { uid: 1001, gid: 1002, contentDigest: "a".repeat(64) }),
      }),
    ({ root, imageName }) => [root, imageName],
  );
  const folders = made.filter(({ type }) => type === "host:index:Folder").map(({ inputs }) => inputs);
  expect(folders.map(({ path, mode }) => [path, mode]).sort()).toEqual([
    ["/srv/vision", "0755"],
    ["/srv/vision/bazel_cache", "0755"],
    ["/srv/vision/config", "0700"],
    ["/srv/vision/hf_cache", "0755"],
    ["/srv/vision/logs", "0755"],
    ["/srv/vision/monorepo_home", "0700"],
    ["/srv/vision/spack_store", "0755"],
  ]);
  for (const folder of folders) expect(folder).toMatchObject({ uid: 1001, gid: 1002 });
  expect(one("it-config").inputs.files).toEqual({
    "dev.env": `SYGALDRY_PROJECT_ID=vision\nSYGALDRY_CONTAINER_ROOT=/srv/vision\nSYGALDRY_IMAGE=${String(one("image-image").inputs.imageName)}\n`,
  });
  for (const cache of ["spack_store", "bazel_cache", "hf_cache"]) {
    expect(one(`it-${cache.replace("_", "-")}-volume`).inputs).toMatchObject({
      name: `ai-how-vision-${cache}`,
      driverOpts: { type: "none", o: "bind", device: `/srv/vision/${cache}` },
    });
  }
});

describe("Temporal in containers", () => {
  async function temporal(args = {}): Promise<{ address: unknown; ui: unknown }> {
    const { Temporal } = await import("../../../components/workshop/temporal.ts");
    const component = new Temporal("it", { port: 7233, uiPort: 8080, namespace: "default", ...args });
    return new Promise((resolve) => {
      pulumi.all([component.address, component.ui]).apply(([address, ui]) => {
        resolve({ address, ui });
      });
    });
  }
  const containers = () => made.filter(({ type }) => type === "docker:index/container:Container");

  it("listens on 127.0.0.1, at the default ports or others", async () => {
    expect(await temporal()).toEqual({ address: "127.0.0.1:7233", ui: "http://127.0.0.1:8080" });
    expect(
      containers().flatMap(({ name, inputs }) => ("ports" in inputs ? [[name, inputs.ports]] : [])),
    ).toEqual(
      expect.arrayContaining([
        ["it-server", [{ internal: 7233, external: 7233, ip: "127.0.0.1" }]],
        ["it-ui", [{ internal: 8080, external: 8080, ip: "127.0.0.1" }]],
      ]),
    );
    expect(containers().filter(({ inputs }) => "ports" in inputs)).toHaveLength(2);
    made.splice(0);
    expect(await temporal({ port: 17233, uiPort: 18080 })).toEqual({
      address: "127.0.0.1:17233",
      ui: "http://127.0.0.1:18080",
    });
  });

  it("runs the pinned images, or others", async () => {
    await temporal({ images: { ui: "registry.lan/temporal-ui:2.49.1" } });
    const images = Object.fromEntries(containers().map(({ name, inputs }) => [name, inputs.image]));
    expect(images).toEqual({
      "it-postgresql": temporalImages.postgresql,
      "it-schema": temporalImages.adminTools,
      "it-server": temporalImages.server,
      "it-namespace": temporalImages.adminTools,
      "it-ui": "registry.lan/temporal-ui:2.49.1",
    });
  });

  it("starts the server with eager activities and frequent reads of its queues", async () => {
    await temporal();
    const { uploads } = one("it-server").inputs as { uploads: { file: string; content: string }[] };
    expect(JSON.stringify(one("it-server").inputs.envs)).toContain(
      `"DYNAMIC_CONFIG_FILE_PATH=${uploads[0]?.file ?? ""}"`,
    );
    expect(parse(uploads[0]?.content ?? "")).toEqual({
      "limit.maxIDLength": [{ value: 255, constraints: {} }],
      "system.enableActivityEagerExecution": [{ value: true, constraints: {} }],
      "history.transferProcessorMaxPollRPS": [{ value: 200, constraints: {} }],
    });
  });

  it("passes the password by environment only", async () => {
    await temporal();
    const knowing = containers().filter(({ inputs }) => JSON.stringify(inputs).includes(PASSWORD));
    expect(knowing.map(({ name }) => name).sort()).toEqual(["it-postgresql", "it-schema", "it-server"]);
    for (const { inputs } of knowing) {
      const { envs: _envs, ...rest } = inputs;
      expect(JSON.stringify(rest)).not.toContain(PASSWORD);
    }
  });
});

describe("Temporal's scripts", () => {
  /** Runs a script with a fake of Temporal's command, which logs its arguments and then runs `body`. */
  function run(script: string, command: string, body: string): { status: number; calls: string[] } {
    const folder = mkdtempSync(join(tmpdir(), "ai-how-fake-temporal-"));
    try {
      const log = join(folder, "log");
      writeFileSync(log, "");
      writeFileSync(join(folder, command), `#!/bin/sh\necho "$@" >> ${log}\n${body}\n`, { mode: 0o755 });
      writeFileSync(join(folder, "sleep"), "#!/bin/sh\n", { mode: 0o755 });
      let status = 0;
      try {
        execFileSync("/bin/sh", ["-c", script], { env: { PATH: `${folder}:/usr/bin:/bin` }, stdio: "pipe" });
      } catch {
        status = 1;
      }
      return { status, calls: readFileSync(log, "utf8").split("\n").filter(Boolean) };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it("set up both databases, and stop at the first failure", () => {
    const script = setUpSchema({ host: "postgresql", user: "temporal" });
    const { status, calls } = run(script, "temporal-sql-tool", "");
    expect(status).toBe(0);
    expect(
      calls.map((call) => call.replace(/^--plugin postgres12 --ep postgresql -p 5432 -u temporal /, "")),
    ).toEqual([
      "--db temporal create",
      "--db temporal setup-schema -v 0.0",
      "--db temporal update-schema -d /etc/temporal/schema/postgresql/v12/temporal/versioned",
      "--db temporal_visibility create",
      "--db temporal_visibility setup-schema -v 0.0",
      "--db temporal_visibility update-schema -d /etc/temporal/schema/postgresql/v12/visibility/versioned",
    ]);
    expect(run(script, "temporal-sql-tool", "exit 1")).toMatchObject({ status: 1, calls: { length: 1 } });
  });

  it("create a namespace only if it is missing, and fail without a server", () => {
    const script = createNamespace({ address: "temporal:7233", namespace: "default" });
    expect(run(script, "temporal", "").calls).toEqual([
      "operator namespace describe --namespace default --address temporal:7233",
    ]);
    const made = run(script, "temporal", '[ "$3" = create ]');
    expect(made).toMatchObject({ status: 0, calls: { length: 2 } });
    expect(run(script, "temporal", "exit 1")).toMatchObject({ status: 1, calls: { length: 300 } });
  });
});
