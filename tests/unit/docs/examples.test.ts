import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";
import { OUTPUTS_VERSION, stackOutputsSchema, type StackOutputs } from "../../../stacks/outputs.ts";
import { repository } from "../../support/project.ts";

const schema = join(repository, "docs", "reference", "outputs.schema.json");

/** Runs the example as its page says. */
function submitJob(outputs: unknown, ...args: string[]) {
  const script = join(repository, "docs", "examples", "submit-job.ts");
  return execa(process.execPath, [script, ...args], { input: JSON.stringify(outputs), reject: false });
}

const outputs: StackOutputs = { version: OUTPUTS_VERSION, target: "dev", site: "dev", machines: [] };

test("submit-job refuses outputs of a version that it does not know, in one line", async () => {
  const said = await submitJob({ ...outputs, version: 2 }, "hostname");
  expect(said).toMatchObject({ exitCode: 1, stdout: "" });
  expect(said.stderr).toMatch(/^submit-job: these are no outputs that it knows: version: .*expected 1$/);
});

test("submit-job says so where there is no cluster to submit to", async () => {
  const said = await submitJob(outputs, "hostname");
  expect(said).toMatchObject({
    exitCode: 1,
    stderr: "submit-job: this stack has no SLURM cluster with a shared folder",
  });
});

test("submit-job says how it is used", async () => {
  expect(await submitJob(outputs)).toMatchObject({ exitCode: 2 });
  expect(await submitJob(outputs, "--nodes", "none", "hostname")).toMatchObject({ exitCode: 2 });
});

test("the JSON Schema for programs in other languages takes and refuses what ours does", () => {
  const theirs = z.fromJSONSchema(
    JSON.parse(readFileSync(schema, "utf8")) as Parameters<typeof z.fromJSONSchema>[0],
  );
  const wrong = [
    { ...outputs, version: 2 },
    { ...outputs, machines: [{ name: "a" }] },
    { ...outputs, target: "x" },
  ];
  for (const either of [theirs, stackOutputsSchema]) {
    expect(either.safeParse(outputs).success).toBe(true);
    expect(wrong.filter((each) => either.safeParse(each).success)).toEqual([]);
  }
});
