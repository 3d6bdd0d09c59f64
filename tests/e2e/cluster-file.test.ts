import { join } from "node:path";
import { copyFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { aiHow } from "../support/command.ts";
import { hostState } from "../support/leftovers.ts";
import { repository } from "../support/project.ts";
import { Site } from "../support/site.ts";
import { fixtures, type Fixture } from "../unit/config/fixtures.ts";

// Parsing is one code path, and tests/unit/cli/validate.test.ts has been through all files: a file of each kind is enough for
// processes of their own.
const KINDS = [
  "address-invalid",
  "budget-memory",
  "file-not-a-map",
  "key-unknown-top",
  "partition-node-unknown",
  "subnet-overlap",
  "template-unset",
  "yaml-syntax",
];

function ofKind(name: string): Fixture {
  const fixture = fixtures("invalid").find((candidate) => candidate.name === `${name}.yaml`);
  if (fixture === undefined) throw new Error(`there is no fixture ${name}`);
  return fixture;
}

describe("`validate`", () => {
  it.each(KINDS)("%s: exits 1, and says what is wrong in the words that the file expects", async (name) => {
    const { path, lines } = ofKind(name);
    const said = await aiHow(["validate", path]);
    expect(said.exitCode).toBe(1);
    for (const line of lines) expect(said.output).toContain(line);
  });

  it("exits 0 for a valid file, and warns of old keys", async () => {
    const [fixture] = fixtures("valid").filter(({ lines }) => lines.length > 1);
    const said = await aiHow(["validate", fixture?.path ?? ""]);
    expect(said.exitCode).toBe(0);
    for (const line of fixture?.lines ?? []) expect(said.output).toContain(`warning: ${line}`);
  });

  it("exits 2 for a file that is not there and for an option that does not exist", async () => {
    const missing = await aiHow(["validate", "no-such-file.yaml"]);
    expect(missing).toMatchObject({ exitCode: 2 });
    expect(missing.output).toContain("no-such-file.yaml: there is no such file");
    expect(await aiHow(["validate", "--quick"])).toMatchObject({ exitCode: 2 });
  });

  it("tells programs the problems as JSON", async () => {
    const file = join(repository, "tests/fixtures/invalid/address-invalid.yaml");
    const said = await aiHow(["validate", "--json", file]);
    expect(said.exitCode).toBe(1);
    expect(JSON.parse(said.stdout)).toMatchObject({
      file,
      valid: false,
      errors: [{ path: "clusters.hpc.compute_nodes[1].ip" }],
    });
    const valid = await aiHow(["validate", "--json", "stacks/dev.yaml"]);
    expect(JSON.parse(valid.stdout)).toEqual({
      file: "stacks/dev.yaml",
      valid: true,
      errors: [],
      warnings: [],
    });
  });
});

describe("a stack with an invalid cluster file", () => {
  const site = new Site("invalid", { machines: "container", computeNodes: 1 });

  it.each(KINDS)("%s: `up` exits 1 with every problem, and nothing on the host has changed", async (name) => {
    const fixture = ofKind(name);
    await copyFile(fixture.path, site.clusterFile);
    const before = hostState();
    const said = await site.run("up");
    expect(said.exitCode).toBe(1);
    for (const line of fixture.lines) expect(said.output).toContain(line);
    expect(said.output).not.toMatch(/^\s+at /m);
    expect(hostState()).toEqual(before);
    expect(site.leftovers()).toEqual([]);
  });

  it("is previewed in the same words, and changes nothing either", async () => {
    await writeFile(site.clusterFile, "version: '1.0'\n");
    const before = hostState();
    const [preview, up] = [await site.run("preview"), await site.run("up")];
    expect([preview.exitCode, up.exitCode]).toEqual([1, 1]);
    const problems = (text: string): string[] =>
      text.split("\n").filter((line) => /^\s*(metadata|clusters):/.test(line));
    expect(problems(preview.output)).not.toEqual([]);
    expect(problems(preview.output)).toEqual(problems(up.output));
    expect(hostState()).toEqual(before);
  });
});
