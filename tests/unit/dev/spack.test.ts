import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { environmentInContainer, newEnvironment, templates } from "../../../services/dev/spack.ts";
import { devContainer } from "../../../versions/dev-container.ts";
import { repository } from "../../support/project.ts";

// What Spack 1.1's own schemas say of the sections that our environments have, and nothing else.
const requirement = z.union([
  z.string(),
  z.array(
    z.union([
      z.string(),
      z.strictObject({
        one_of: z.array(z.string()).optional(),
        any_of: z.array(z.string()).optional(),
        spec: z.string().optional(),
        message: z.string().optional(),
        when: z.string().optional(),
      }),
    ]),
  ),
]);
const environmentSchema = z.strictObject({
  spack: z.strictObject({
    specs: z.array(z.string()),
    concretizer: z.strictObject({ unify: z.literal(true), reuse: z.literal("dependencies") }),
    repos: z.record(z.string(), z.strictObject({ git: z.url(), tag: z.string() })),
    view: z.string(),
    config: z.strictObject({
      install_tree: z.strictObject({ root: z.string() }),
      build_stage: z.array(z.string()),
      source_cache: z.string(),
      misc_cache: z.string(),
      build_jobs: z.int().min(1),
      ccache: z.boolean(),
    }),
    packages: z.record(
      z.string().regex(/^\w[\w-]*$/),
      z.strictObject({
        buildable: z.boolean().optional(),
        externals: z.array(z.strictObject({ spec: z.string(), prefix: z.string() })).optional(),
        require: requirement.optional(),
      }),
    ),
  }),
});
// name@version+variant key=value,value
const SPEC = /^[a-z][a-z0-9-]*(@[\w.]+)?([+~][a-z_]+)*( [a-z_]+=[\w,]+)*$/;

function read(name: string) {
  const text = readFileSync(join(repository, "spack", name, "spack_src.yaml"), "utf8");
  return environmentSchema.parse(parse(text, { version: "1.1" })).spack;
}

it("the environments that come with ai-how are the two that there should be", () => {
  expect(templates()).toEqual(["torch_cuda", "zephyr"]);
});

describe.each(templates())("the environment %s", (name) => {
  const spack = read(name);

  it("has specs that Spack can read, each package once", () => {
    for (const spec of spack.specs) expect(spec).toMatch(SPEC);
    const names = spack.specs.map((spec) => /^[a-z0-9-]+/.exec(spec)?.[0]);
    expect(new Set(names).size).toBe(names.length);
  });

  it("keeps everything in the store that containers share", () => {
    const { install_tree, build_stage, source_cache, misc_cache } = spack.config;
    expect(spack.view).toBe("/opt/spack_store/view");
    for (const folder of [install_tree.root, ...build_stage, source_cache, misc_cache])
      expect(folder).toMatch(/^\/opt\/spack_store\/\w+$/);
    // Without an environment, Spack has the same.
    const site = z
      .object({ config: z.record(z.string(), z.unknown()) })
      .parse(parse(readFileSync(join(repository, "images/dev/install/spack-config.yaml"), "utf8")));
    expect(spack.config).toMatchObject(site.config);
  });

  it("takes CUDA from the image, and that CUDA", () => {
    const [, version] = /cuda:(\d+\.\d+\.\d+)-/.exec(devContainer.base) ?? [];
    expect(spack.packages.cuda).toEqual({
      buildable: false,
      externals: [{ spec: `cuda@${version}`, prefix: "/usr/local/cuda" }],
    });
    expect(spack.packages.cudnn?.externals).toEqual([{ spec: "cudnn@9.10.2", prefix: "/usr/local/cuda" }]);
  });

  it("has copies that git does not see, and a lock that it does", async () => {
    const ignored = await execa("git", ["check-ignore", "spack.yaml", ".spack-env/x", "spack.lock"], {
      cwd: join(repository, "spack", name),
      reject: false,
    });
    expect(ignored.stdout.split("\n")).toEqual(["spack.yaml", ".spack-env/x"]);
  });
});

it("the zephyr environment has what it is documented to have", () => {
  const { specs, config } = read("zephyr");
  expect(specs).toHaveLength(24);
  expect(specs).toContain("py-torch@2.9.0+cuda cuda_arch=61,75,80,86,89,90");
  expect(config).toMatchObject({ build_jobs: 8, ccache: false });
  expect(read("torch_cuda").config.ccache).toBe(true);
  for (const spec of read("torch_cuda").specs) expect(specs).toContain(spec);
});

describe("in a project", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ai-how-spack-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("a new one is a copy without a lock, and is found", () => {
    const made = newEnvironment(folder, "mine", "zephyr");
    expect(made).toBe(join(folder, "spack", "mine"));
    expect(readFileSync(join(made, "spack_src.yaml"), "utf8")).toBe(
      readFileSync(join(repository, "spack/zephyr/spack_src.yaml"), "utf8"),
    );
    expect(existsSync(join(made, ".gitignore"))).toBe(true);
    expect(existsSync(join(made, "spack.lock"))).toBe(false);
    expect(environmentInContainer(folder, "mine")).toBe("/workspace/spack/mine");
    expect(() => newEnvironment(folder, "mine", "zephyr")).toThrow(/exists already/);
  });

  it("names that lead elsewhere and templates that are not there are refused", () => {
    expect(() => newEnvironment(folder, "../x", "zephyr")).toThrow(/^\.\.\/x: not a valid name/);
    expect(() => newEnvironment(folder, "x", "zephir")).toThrow(
      /^--from: there is no zephir: did you mean zephyr/,
    );
    expect(() => environmentInContainer(folder, "x")).toThrow(/has no such environment: there is none/);
    expect(existsSync(join(folder, "spack"))).toBe(false);
  });

  it("one where the old tools had it is found, too", () => {
    mkdirSync(join(folder, "pkg", "old"), { recursive: true });
    writeFileSync(join(folder, "pkg", "old", "spack_src.yaml"), "spack: {}\n");
    expect(environmentInContainer(folder, "old")).toBe("/workspace/pkg/old");
    expect(() => environmentInContainer(folder, "olds")).toThrow(/did you mean old\?/);
  });
});
