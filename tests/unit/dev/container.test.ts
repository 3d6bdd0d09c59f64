import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test, vi } from "vitest";
import { UserError } from "../../../config/errors.ts";
import { entrypoints, parseEntrypoint } from "../../../services/dev/entrypoints.ts";
import { projectFolders } from "../../../config/project-folders.ts";
import { findProjectRoot, makeFolders, projectId } from "../../../services/dev/place.ts";
import { passedVariables, runArguments, type DevRun } from "../../../services/dev/run.ts";

let folder: string;
const quiet = { isTerminal: false, hasInput: false };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ai-how-dev-"));
  for (const name of ["TERM", "LANG", "LC_ALL", "BAZEL_VERSION", "HF_TOKEN", "HF_ENDPOINT", "HF_VENV_DIR"])
    vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function run(more: Partial<DevRun> = {}): DevRun {
  return {
    project: "p",
    root: "/data/p",
    projectRoot: folder,
    image: "image:1",
    entrypoint: "run-job",
    words: ["echo", "a b", "$HOME", "--rm"],
    gpus: "none",
    variables: [],
    ...more,
  };
}

/** The values of an option that is there several times. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1] ?? ""] : []));
}

describe("a container of a project", () => {
  it("has the documented mounts, network, user and environment, and the words as they are", () => {
    const args = runArguments("docker", run(), quiet);
    expect(valuesOf(args, "--volume")).toEqual([
      "/data/p/monorepo_home:/home/kvothe",
      "/data/p/spack_store:/opt/spack_store",
      "/data/p/bazel_cache:/opt/bazel_cache",
      "/data/p/hf_cache:/opt/hf_cache",
      `${folder}:/workspace`,
      "/etc/passwd:/etc/passwd:ro",
      "/etc/group:/etc/group:ro",
    ]);
    expect(valuesOf(args, "--env")).toEqual([
      ...["SYGALDRY_IN_CONTAINER=1", "SYGALDRY_PROJECT_ID=p"],
      ...["USER=kvothe", "HOME=/home/kvothe", "HF_HOME=/opt/hf_cache"],
    ]);
    expect(args).toEqual(expect.arrayContaining(["--init", "--network", "host", "--ipc", "--workdir"]));
    expect(valuesOf(args, "--user")).toEqual([`${process.getuid?.()}:${process.getgid?.()}`]);
    expect(args.slice(args.indexOf("--entrypoint"))).toEqual([
      ...["--entrypoint", "/opt/ai-how/entrypoints/run-job.sh", "image:1"],
      ...["echo", "a b", "$HOME", "--rm"],
    ]);
    expect(args).not.toContain("--gpus");
  });

  it("gets variables by name: no value is an argument", () => {
    for (const name of ["TERM", "HF_TOKEN", "SECRET"]) vi.stubEnv(name, "the-value");
    const args = runArguments("docker", run({ variables: ["SECRET"] }), quiet);
    expect(valuesOf(args, "--env").slice(5)).toEqual(["TERM", "SECRET"]);
    const download = runArguments("docker", run({ entrypoint: "hf-download" }), quiet);
    expect(valuesOf(download, "--env").slice(5)).toEqual(["TERM", "HF_TOKEN"]);
    expect([...args, ...download].join(" ")).not.toContain("the-value");
  });

  it("has a terminal only on one, and input only where there is some", () => {
    const flags = (streams: typeof quiet) =>
      runArguments("docker", run(), streams).filter((arg) => /^--(tty|interactive)$/.test(arg));
    expect(flags(quiet)).toEqual([]);
    expect(flags({ isTerminal: false, hasInput: true })).toEqual(["--interactive"]);
    expect(flags({ isTerminal: true, hasInput: false })).toEqual(["--interactive", "--tty"]);
  });

  it("gets GPUs as its engine names them", () => {
    expect(valuesOf(runArguments("docker", run({ gpus: "all" }), quiet), "--gpus")).toEqual(["all"]);
    expect(valuesOf(runArguments("podman", run({ gpus: "all" }), quiet), "--device")).toEqual([
      "nvidia.com/gpu=all",
    ]);
  });

  it("keeps the host's user with Podman without root", () => {
    expect(runArguments("podman", run(), quiet).includes("keep-id")).toBe(process.getuid?.() !== 0);
    vi.spyOn(process, "getuid").mockReturnValue(1000);
    expect(valuesOf(runArguments("podman", run(), quiet), "--userns")).toEqual(["keep-id"]);
    expect(runArguments("docker", run(), quiet)).not.toContain("--userns");
  });

  it("is refused for a project that is not there", () => {
    expect(() => runArguments("docker", run({ projectRoot: join(folder, "none") }), quiet)).toThrow(
      /^--project-root: .*none does not exist; name the folder of the project$/,
    );
  });
});

test("there are the seven entrypoints, with or without their ending", () => {
  expect(entrypoints()).toEqual([
    ...["default", "hf-download", "run-job", "spack-build", "spack-install", "uv-install", "verify-gpu"],
  ]);
  expect(parseEntrypoint("run-job.sh")).toBe("run-job");
  expect(() => parseEntrypoint("verifygpu")).toThrow(/there is no verifygpu: did you mean verify-gpu\?$/);
  expect(() => parseEntrypoint("../../bin/bash")).toThrow(UserError);
});

test("SYGALDRY_PASS_ENV has names, no values", () => {
  vi.stubEnv("SYGALDRY_PASS_ENV", "A,B_1,");
  expect(passedVariables()).toEqual(["A", "B_1"]);
  vi.stubEnv("SYGALDRY_PASS_ENV", "A=secret");
  expect(passedVariables).toThrow(UserError);
});

describe("a project", () => {
  it("is the repository around a folder, else the folder, and has its name", () => {
    vi.stubEnv("SYGALDRY_PROJECT_ID", "");
    const inner = join(folder, "work", "a", "b");
    mkdirSync(inner, { recursive: true });
    expect(findProjectRoot(inner)).toBe(inner);
    // A worktree has a file there.
    writeFileSync(join(folder, "work", ".git"), "gitdir: elsewhere\n");
    expect(findProjectRoot(inner)).toBe(join(folder, "work"));
    expect(projectId(findProjectRoot(inner))).toBe("work");
    expect(() => projectId("/")).toThrow(
      /^SYGALDRY_PROJECT_ID, by default the folder's name: "" is not a valid name/,
    );
    vi.stubEnv("SYGALDRY_PROJECT_ID", "other");
    expect(projectId(inner)).toBe("other");
  });

  it("gets its folders with their modes, and those that are there are left alone", () => {
    mkdirSync(join(folder, "hf_cache"), { mode: 0o750 });
    makeFolders(folder);
    const modes = Object.fromEntries(
      Object.keys(projectFolders).map((name) => [name, statSync(join(folder, name)).mode & 0o777]),
    );
    expect(modes).toEqual({
      ...{ monorepo_home: 0o700, spack_store: 0o755, bazel_cache: 0o755, hf_cache: 0o750 },
      ...{ config: 0o700, logs: 0o755 },
    });
    expect(statSync(join(folder, "monorepo_home")).uid).toBe(process.getuid?.());
  });

  it("cannot be where a file is", () => {
    writeFileSync(join(folder, "file"), "");
    expect(() => {
      makeFolders(join(folder, "file"));
    }).toThrow(/monorepo_home: cannot be made: ENOTDIR; make it yourself, or set SYGALDRY_CONTAINER_ROOT/);
  });
});
