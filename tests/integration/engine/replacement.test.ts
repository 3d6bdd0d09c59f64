import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, it, test } from "vitest";
import { lacks } from "../../required.ts";
import type { Engine } from "../../../engine/engine.ts";
import { PulumiEngine } from "../../../engine/pulumi/index.ts";
import { Project, repository, touched, type Run } from "../../support/project.ts";
import { usePulumi } from "../../support/pulumi.ts";
import { describeUnless } from "../../support/where.ts";
import { Stage, unavailable } from "../libvirt/stage.ts";

/** A chain of commands; the first is replaced, old before new, when its word is another. */
const chain = (word: string, options: string): string => `
  const opts = { deleteBeforeReplace: true };
  const run = (name, triggers, more) => new command.local.Command(name, {
    create: "echo create " + name + " >> log", delete: "echo delete " + name + " >> log", triggers,
  }, more);
  const first = run("first", [${JSON.stringify(word)}], opts);
  const second = run("second", [first.stdout], ${options});
  run("third", [second.stdout], {});`;

test("a preview shows what a replacement takes along, as `up` does it", async () => {
  const project = await Project.create(chain("one", "{}"));
  await project.run("up");
  await project.program(chain("two", "{}"));
  const preview = await project.run("preview");
  const up = await project.run("up");
  expect(touched(preview, "replace")).toEqual(["first", "second", "third"]);
  expect(touched(up, "replace")).toEqual(touched(preview, "replace"));
  expect(up.summary).toEqual(preview.summary);
});

test("what ignores the change is not taken along, nor is what hangs on it", async () => {
  const project = await Project.create(chain("one", '{ ignoreChanges: ["triggers"] }'));
  await project.run("up");
  await project.program(chain("two", '{ ignoreChanges: ["triggers"] }'));
  expect(touched(await project.run("preview"), "replace")).toEqual(["first"]);
  const up = await project.run("up");
  expect(touched(up, "replace")).toEqual(["first"]);
  expect((await project.lines("log")).slice(3)).toEqual(["delete first", "create first"]);
});

const cli = await usePulumi();
const engines = [
  { name: "in-process", lacking: unavailable, engineOf: (project: Project): Engine => project.engine },
  {
    name: "pulumi",
    lacking: unavailable ?? (await lacks("Pulumi's CLI")),
    engineOf: (project: Project): Engine => new PulumiEngine(project, cli),
  },
] as const;

for (const { name, lacking, engineOf } of engines) {
  describeUnless(lacking, `a disk that holds work, by the engine ${name}`, () => {
    const stage = new Stage(`work-${name}`);
    const GIB = 1024 ** 3;

    /** A pool with an image, and a machine's disk on it. */
    const program = ({ size = 2, pool = "pool", image = "old" } = {}): string => `
      const libvirt = await import(${JSON.stringify(join(repository, "providers/libvirt/resources.ts"))});
      const provider = new libvirt.Provider("libvirt", { uri: ${JSON.stringify(stage.uri)} });
      const pool = new libvirt.StoragePool("pool", { name: ${JSON.stringify(pool)}, path: ${JSON.stringify(stage.pool)} }, { provider });
      const base = new libvirt.Volume("base", { pool: pool.name, name: "base-${image}.qcow2", source: ${JSON.stringify(source(image))},
        sourceDigest: ${JSON.stringify(
          createHash("sha256")
            .update(readFileSync(source(image)))
            .digest("hex"),
        )} },
        { provider, deleteBeforeReplace: false });
      new libvirt.Volume("disk", { pool: pool.name, name: "work.qcow2", capacity: ${size * GIB},
        backing: { path: base.path, format: "qcow2" }, keep: true },
        { provider, deleteBeforeReplace: true, ignoreChanges: ["backing"] });`;
    const source = (image: string): string => join(stage.pool, "..", `${image}.qcow2`);
    const path = (): string => join(stage.pool, "work.qcow2");
    const run = (project: Project, what: "preview" | "up" | "down", replace?: string[]): Promise<Run> =>
      project.run(what, { engine: engineOf(project), ...(replace !== undefined && { replace }) });
    /** All that was said of what went wrong. */
    const complaints = ({ events }: Run): string =>
      events
        .map((event) => (event.type === "failed" ? event.message : event.type === "log" ? event.line : ""))
        .join("\n");

    // qemu-io reads and writes what is in a disk.
    const hasWork = async (): Promise<boolean> => {
      const read = await execa("qemu-io", ["-c", "read -P 0xab 0 64k", path()], { reject: false });
      return read.exitCode === 0 && !read.stdout.includes("failed");
    };
    const withWork = async (): Promise<Project> => {
      const project = await Project.create(program());
      expect((await run(project, "up")).error).toBeUndefined();
      await execa("qemu-io", ["-c", "write -P 0xab 0 64k", path()]);
      return project;
    };

    beforeAll(async () => {
      for (const [image, size] of [
        ["old", "1G"],
        ["new", "2G"],
      ] as const)
        await execa("qemu-img", ["create", "-f", "qcow2", source(image), size]);
    });

    it("outlives another image, the preview of which shows all that goes", async () => {
      const project = await withWork();
      await project.program(program({ image: "new" }));
      for (const what of ["preview", "up"] as const) {
        const said = await run(project, what);
        expect(said.error).toBeUndefined();
        expect(touched(said, "replace")).toEqual(["base"]);
        expect(touched(said, "delete")).not.toContain("disk");
      }
      expect(await hasWork()).toBe(true);
      expect(existsSync(join(stage.pool, "base-old.qcow2"))).toBe(true);
      await run(project, "down");
      expect(readdirSync(stage.pool)).toEqual([]);
    });

    it.each([
      [
        "is smaller",
        { size: 1 },
        "a change of capacity replaces work.qcow2: its disk is lost; take that back",
      ],
      ["is in another pool", { pool: "other" }, "a change of pool replaces work.qcow2: its disk is lost"],
    ])("outlives a program in which it %s", async (_what, change, message) => {
      const project = await withWork();
      await project.program(program(change));
      for (const what of ["preview", "up"] as const) {
        const said = await run(project, what);
        expect(said.error).toBeDefined();
        expect(complaints(said)).toContain(message);
      }
      expect(await hasWork()).toBe(true);
      await project.program(program());
      expect((await run(project, "up")).error).toBeUndefined();
      expect(await hasWork()).toBe(true);
      await run(project, "down");
      expect(existsSync(path())).toBe(false);
    });

    it("is replaced when somebody asks for that, and says what is lost", async () => {
      const project = await withWork();
      const disk = (await engineOf(project).resources()).find(({ urn }) => urn.endsWith("::disk"));
      const preview = await run(project, "preview", [disk?.urn ?? ""]);
      expect(preview.events).toContainEqual(
        expect.objectContaining({ type: "planned", operation: "replace", loss: "its disk is lost" }),
      );
      expect(await hasWork()).toBe(true);
      expect(touched(await run(project, "up", [disk?.urn ?? ""]), "replace")).toEqual(["disk"]);
      expect(existsSync(path())).toBe(true);
      expect(await hasWork()).toBe(false);
      await run(project, "down");
    });
  });
}
