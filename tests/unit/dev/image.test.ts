import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test, vi } from "vitest";
import { withoutMounts } from "../../../services/dev/dockerfile.ts";
import { folderDigest } from "../../../config/folder-digest.ts";
import { IMAGE_FOLDER, imageArguments, wantedImage } from "../../../services/dev/image.ts";
import {
  devContainer,
  devImageArguments,
  devImageDigest,
  devTools,
} from "../../../versions/dev-container.ts";

const dockerfile = readFileSync(join(IMAGE_FOLDER, "Dockerfile"), "utf8");
const declared = new Set(
  [...dockerfile.matchAll(/^ARG (.+)$/gm)].flatMap(([, names = ""]) => names.split(" ")),
);

describe("the Dockerfile", () => {
  const args = devImageArguments({ uid: 1000, gid: 1000 });
  const scripts = readdirSync(join(IMAGE_FOLDER, "install"))
    .map((file) => readFileSync(join(IMAGE_FOLDER, "install", file), "utf8"))
    .join("\n");

  it("declares every build argument that there is, and no other, without a default", () => {
    expect([...declared].sort()).toEqual(Object.keys(args).sort());
    expect(dockerfile).not.toMatch(/^ARG .*=/m);
  });

  it.each(Object.keys(args))("uses %s", (name) => {
    const [, tool = ""] = /^(.+)_SHA256_(AMD64|ARM64)$/.exec(name) ?? [];
    const used =
      tool === ""
        ? new RegExp(`\\$(\\{${name}[}:#]|${name}\\b)`).test(
            `${scripts}\n${dockerfile.replaceAll(/^ARG .*$/gm, "")}`,
          )
        : scripts.includes(`checksum ${tool})`);
    expect(used).toBe(true);
  });

  it.each(devTools)("has a script that leaves %s out", (tool) => {
    expect(readFileSync(join(IMAGE_FOLDER, "install", `${tool}.sh`), "utf8")).toContain(
      `wanted ${tool} || exit 0`,
    );
  });

  it("is the same image for a builder without mounts", () => {
    const plain = withoutMounts(dockerfile);
    expect(dockerfile.match(/--mount=type=cache/g)).toHaveLength(8);
    expect(plain).not.toContain("--mount");
    expect(plain.match(/^RUN \\\n {2}\/install\/\w+\.sh$/gm)).toHaveLength(devTools.length);
    expect(plain.split("\n")).toHaveLength(dockerfile.split("\n").length - 8);
  });
});

describe("what an image was built from", () => {
  let folder: string;
  const args = { A: "1", B: "2" };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ai-how-dev-"));
    cpSync(IMAGE_FOLDER, folder, { recursive: true });
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is the same wherever and whenever the files were written, and in whatever order arguments come", () => {
    const before = devImageDigest(folderDigest(folder), args);
    utimesSync(join(folder, "Dockerfile"), 0, 0);
    expect(devImageDigest(folderDigest(folder), args)).toBe(before);
    expect(devImageDigest(folderDigest(IMAGE_FOLDER), { B: "2", A: "1" })).toBe(before);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, (folder: string) => void]>([
    [
      "text",
      (at) => {
        writeFileSync(join(at, "Dockerfile"), `${dockerfile}\n`);
      },
    ],
    [
      "mode",
      (at) => {
        chmodSync(join(at, "entrypoints", "default.sh"), 0o644);
      },
    ],
    [
      "new file",
      (at) => {
        writeFileSync(join(at, "entrypoints", "more.sh"), "");
      },
    ],
    [
      "lost file",
      (at) => {
        rmSync(join(at, "hf_download.py"));
      },
    ],
    [
      "name",
      (at) => {
        cpSync(join(at, "Dockerfile"), join(at, "Dockerfile.2"));
        rmSync(join(at, "Dockerfile"));
      },
    ],
  ])("is something else after a change of %s", (_what, change) => {
    const before = devImageDigest(folderDigest(folder), args);
    change(folder);
    expect(devImageDigest(folderDigest(folder), args)).not.toBe(before);
  });

  it("is something else with another argument", () => {
    expect(devImageDigest(folderDigest(folder), { ...args, A: "3" })).not.toBe(
      devImageDigest(folderDigest(folder), args),
    );
    expect(devImageDigest(folderDigest(folder), { A: "1" })).not.toBe(
      devImageDigest(folderDigest(folder), args),
    );
  });
});

describe("the environment chooses", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("nothing by default", () => {
    expect(imageArguments({ GO_VERSION: "" })).toEqual(
      devImageArguments({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }),
    );
    vi.stubEnv("SYGALDRY_IMAGE", "");
    expect(wantedImage()).toEqual({ name: "sygaldry/zephyr:base", isNamed: false });
  });

  it("versions, base, tools, and a name", () => {
    const chosen = imageArguments({
      BAZEL_VERSION: "7.0.0",
      PYTHON_VERSION: "3.13",
      RUST_VERSION: "1.80.0",
      GO_VERSION: "1.22.1",
      SYGALDRY_BASE_IMAGE: "debian:12",
      SYGALDRY_TOOLS: "go,system",
    });
    expect(chosen).toMatchObject({
      BAZEL_VERSION: "7.0.0",
      PYTHON_VERSION: "3.13",
      RUST_VERSION: "1.80.0",
      GO_VERSION: "1.22.1",
      BASE_IMAGE: "debian:12",
      TOOLS: "system go",
      UV_VERSION: devContainer.uv.version,
    });
    vi.stubEnv("SYGALDRY_IMAGE", "mine:1");
    expect(wantedImage()).toEqual({ name: "mine:1", isNamed: true });
  });

  it("no tools", () => {
    for (const none of ["", "none"]) expect(imageArguments({ SYGALDRY_TOOLS: none }).TOOLS).toBe("");
  });
});

test("a tool that there is not is refused with those there are", () => {
  expect(() => imageArguments({ SYGALDRY_TOOLS: "gopher" })).toThrow(
    /^SYGALDRY_TOOLS: there is no gopher; name some of system, uv, python/,
  );
});
