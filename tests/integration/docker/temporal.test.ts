import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { DockerEngine } from "../../support/docker.ts";
import { FAKE_TEMPORAL_IMAGE, makeFakeTemporalImage } from "../../support/fake-temporal.ts";
import { failures, Project, repository, touched, type Run } from "../../support/project.ts";
import { usePulumi } from "../../support/pulumi.ts";
import { describeUnless } from "../../support/where.ts";

const components = join(repository, "components", "workshop");
const NAMES = ["namespace", "postgresql", "schema", "server", "ui"].map((part) => `trial-temporal-${part}`);

const lacking = await lacks("root", "Docker", "Pulumi's CLI");

describeUnless(lacking, "Temporal in containers, with fake images", () => {
  const docker = new DockerEngine();
  let project: Project;

  const program = (images = FAKE_TEMPORAL_IMAGE): string => `
    const { DockerHost } = await import("${components}/../docker/docker-host.ts");
    const { Temporal } = await import("${components}/temporal.ts");
    const on = new DockerHost("trial-host", { host: "${docker.host}" });
    const image = "${images}";
    const temporal = new Temporal("trial-temporal", {
      port: 17233, uiPort: 18080, namespace: "default",
      images: { postgresql: image, server: image, adminTools: image, ui: image },
    }, { providers: [on.docker] });
    export const { address, ui } = temporal;`;

  const done = (run: Run): Run => {
    expect([...failures(run), run.error?.message]).toEqual([undefined]);
    return run;
  };
  const inspect = async (name: string, format: string): Promise<string> =>
    (await docker.docker("inspect", "--format", format, name)).stdout;
  const password = async (): Promise<string> =>
    /POSTGRES_PWD=([^"]+)/.exec(await inspect("trial-temporal-server", "{{json .Config.Env}}"))?.[1] ?? "";

  beforeAll(async () => {
    await docker.start();
    await docker.makeImage();
    await makeFakeTemporalImage(docker);
    project = await Project.create(program(), { keep: true, cli: await usePulumi() });
  });
  afterAll(async () => {
    await docker.remove();
    await project.remove();
  });

  it("comes up, each part when what it needs is there, on the loopback interface only", async () => {
    done(await project.run("up"));
    expect((await docker.containers()).sort()).toEqual(NAMES);
    expect(await project.outputs()).toEqual({ address: "127.0.0.1:17233", ui: "http://127.0.0.1:18080" });
    const listening = (await docker.runInNetwork("ss", "-Hltn")).stdout;
    for (const port of [17233, 18080]) expect(listening).toContain(`127.0.0.1:${port}`);
    expect(listening).not.toMatch(/(0\.0\.0\.0|\*|\[::\]):(17233|18080|5432)/);
    expect((await docker.docker("logs", "trial-temporal-schema")).stdout).toContain(
      "schema: --plugin postgres12",
    );
    expect((await docker.docker("logs", "trial-temporal-namespace")).stdout).toContain(
      "create --namespace default",
    );
    expect(done(await project.run("up")).summary).toEqual({ same: expect.any(Number) as number });
  });

  it("shows its password to nobody but the containers that need it", async () => {
    const secret = await password();
    expect(secret.length).toBeGreaterThan(40);
    const preview = done(await project.run("preview"));
    expect(JSON.stringify(preview.events)).not.toContain(secret);
    expect(
      await readFile(join(project.root, ".ai-how/pulumi/.pulumi/stacks/trial/test.json"), "utf8"),
    ).not.toContain(secret);
    for (const name of NAMES) {
      const commands = await inspect(name, "{{json .Config.Cmd}} {{json .Config.Entrypoint}} {{json .Args}}");
      expect(commands, name).not.toContain(secret);
    }
    for (const name of ["trial-temporal-ui", "trial-temporal-namespace"])
      expect(await inspect(name, "{{json .Config.Env}}")).not.toContain(secret);
  });

  it("is put right where somebody stopped the server", async () => {
    await docker.docker("stop", "--time", "1", "trial-temporal-server");
    expect(touched(done(await project.run("up")), "update")).toEqual(["trial-temporal-server"]);
    expect(await inspect("trial-temporal-server", "{{.State.Health.Status}}")).toBe("healthy");
  });

  it("keeps its data and their password through a `down`, and goes on with both", async () => {
    const secret = await password();
    const refused = await project.run("down");
    expect(refused.error?.message).toContain("trial-temporal-data is protected and would be deleted");
    expect(await docker.containers()).toHaveLength(NAMES.length);

    const options = { emit: () => undefined, signal: new AbortController().signal, parallel: 8 };
    await project.ownEngine.down({ ...options, excludeProtected: true });
    expect(await docker.containers()).toEqual([]);
    expect((await docker.docker("volume", "ls", "--quiet")).stdout).toBe("trial-temporal-data");
    done(await project.run("up"));
    expect(await password()).toBe(secret);
  });

  it("says which image cannot be had, and goes on when it can", async () => {
    await project.program(program("fake-temporal:2"));
    const refused = await project.run("up");
    expect(refused.error).toBeDefined();
    expect(JSON.stringify(refused.events)).toContain("fake-temporal:2 cannot be pulled: Docker: ");
    await docker.docker("tag", FAKE_TEMPORAL_IMAGE, "fake-temporal:2");
    done(await project.run("up"));
    expect(await inspect("trial-temporal-server", "{{.Config.Image}}")).toBe("fake-temporal:2");
  });

  it("goes with its data once somebody has removed these", async () => {
    done(await project.run("refresh"));
    const options = { emit: () => undefined, signal: new AbortController().signal, parallel: 8 };
    await project.ownEngine.down({ ...options, excludeProtected: true });
    await docker.docker("volume", "rm", "trial-temporal-data");
    done(await project.run("refresh"));
    done(await project.run("down"));
    expect(await project.ownEngine.resources()).toEqual([]);
  });
});
