import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contextFiles } from "../../support/stand-in-plugins/docker/build-context.ts";
import { docker } from "../../support/stand-in-plugins/docker/provider.ts";
import { UNKNOWN } from "../../../wire/values.ts";
import { Provider } from "../../../providers/framework/provider.ts";

type Values = Record<string, unknown>;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ai-how-docker-"));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function provider(): Provider {
  const made = new Provider(docker(root));
  made.configure({ disableDockerDaemonCheck: "true" });
  return made;
}

function checked(type: string, inputs: Values): Values {
  const result = provider().check(type, inputs);
  expect(result.problems).toEqual([]);
  return result.inputs;
}

function problems(type: string, inputs: Values): string[] {
  return provider()
    .check(type, inputs)
    .problems.map(({ property, reason }) => `${property}: ${reason}`);
}

const CONTAINER = "docker:index/container:Container";
const IMAGE = "docker:index/image:Image";
const VOLUME = "docker:index/volume:Volume";

describe("a container", () => {
  const inputs = { name: "box", image: "box:1", envs: ["A=1"] };
  const diff = (more: Values) =>
    provider().diff(CONTAINER, checked(CONTAINER, inputs), checked(CONTAINER, { ...inputs, ...more }));

  it.each<[Values, string]>([
    [{ image: "box:2" }, "image"],
    [{ envs: ["A=2"] }, "envs"],
    [{ command: ["true"] }, "command"],
    [{ ports: [{ internal: 80, external: 8080 }] }, "ports"],
    [{ networksAdvanced: [{ name: "other" }] }, "networksAdvanced"],
    [{ healthcheck: { tests: ["CMD", "true"] } }, "healthcheck"],
  ])("is replaced, the old one first, by %j", (more, replaces) => {
    expect(diff(more)).toMatchObject({ replaces: [replaces], deleteBeforeReplace: true });
  });

  it.each<Values>([{ restart: "always" }, { mustRun: false }, { wait: true }, { destroyGraceSeconds: 9 }])(
    "is updated by %j",
    (more) => {
      expect(diff(more)).toMatchObject({ replaces: [], properties: [{ path: Object.keys(more)[0] }] });
    },
  );

  it("waits for what is known later, in a preview", () => {
    const later = { ...inputs, networksAdvanced: [{ name: UNKNOWN }] };
    expect(problems(CONTAINER, later)).toEqual([]);
    expect(provider().preview(CONTAINER, "urn", later)).toMatchObject(later);
  });

  it("is refused with every problem at once", () => {
    expect(
      problems(CONTAINER, {
        name: "box",
        image: "box:1",
        envs: ["nothing"],
        healthcheck: { tests: ["CMD", "true"], interval: "soon" },
        ports: [{ internal: 80, external: 70_000 }],
        privileged: true,
      }),
    ).toEqual([
      expect.stringMatching(/^privileged: unknown property/),
      "envs[0]: must be NAME=value",
      expect.stringMatching(/^ports\[0\].external: /),
      "healthcheck.interval: must be a duration such as 5s or 1m30s",
    ]);
  });
});

describe("a volume", () => {
  it("is replaced by any change, and the old one goes first: both have one name", () => {
    const was = checked(VOLUME, { name: "data" });
    const is = checked(VOLUME, { name: "data", driverOpts: { type: "none", o: "bind", device: "/srv" } });
    expect(provider().diff(VOLUME, was, is)).toMatchObject({
      replaces: ["driverOpts"],
      deleteBeforeReplace: true,
    });
  });
});

describe("an image", () => {
  const inputs = () => ({ imageName: "box:1", build: { context: "box" }, skipPush: true });
  const write = (file: string, text: string): void => {
    writeFileSync(join(root, "box", file), text);
  };
  beforeEach(() => {
    mkdirSync(join(root, "box"));
    write("Dockerfile", "FROM scratch\n");
    write("run.sh", "#!/bin/sh\n");
  });

  it("is built anew, and not replaced, when a file of its folder changes, and only then", () => {
    const was = checked(IMAGE, inputs());
    const changed = () => provider().diff(IMAGE, was, checked(IMAGE, inputs()));
    expect(changed().properties).toEqual([]);
    chmodSync(join(root, "box", "run.sh"), 0o755);
    expect(changed()).toMatchObject({ replaces: [], properties: [{ path: "build.contextDigest" }] });
    chmodSync(join(root, "box", "run.sh"), 0o644);
    expect(changed().properties).toEqual([]);
    write("more", "");
    expect(changed().properties).toMatchObject([{ path: "build.contextDigest" }]);
  });

  it("does not get what .dockerignore leaves out", () => {
    write(".dockerignore", "*.log\n!kept.log\n");
    write("a.log", "");
    write("kept.log", "");
    expect(contextFiles(join(root, "box"))).toEqual([".dockerignore", "Dockerfile", "kept.log", "run.sh"]);
    const was = checked(IMAGE, inputs());
    write("b.log", "");
    expect(provider().diff(IMAGE, was, checked(IMAGE, inputs())).properties).toEqual([]);
  });

  it("needs its Dockerfile in a preview already, and is not pushed", () => {
    expect(problems(IMAGE, { imageName: "box:1", build: { context: "nowhere" }, skipPush: false })).toEqual([
      "build: there is no Dockerfile nowhere/Dockerfile",
      "skipPush: must be true: the stand-in pushes nothing",
    ]);
  });
});

describe("a daemon that is not there", () => {
  const operation = { urn: "urn", log: () => undefined, signal: new AbortController().signal };
  it.each([
    [
      "unix:///nowhere/docker.sock",
      /^unix:\/\/\/nowhere\/docker.sock: Docker does not answer \(ENOENT\); start it/,
    ],
    ["tcp://127.0.0.1:9", /^tcp:\/\/127.0.0.1:9: Docker does not answer \(ECONNREFUSED\)/],
    ["ssh://host", /^ssh:\/\/host: the stand-in reaches Docker as unix:\/\/\/path or tcp:/],
  ])("%s is told in one line", async (host, message) => {
    const made = new Provider(docker(root));
    made.configure({ host });
    await expect(
      made.create(VOLUME, { name: "data", driver: "local", driverOpts: {} }, operation),
    ).rejects.toThrow(message);
  });
});
