import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UserError } from "../../../config/errors.ts";
import { loadProject, loadStackConfig } from "../../../engine/project.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ai-how-project-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.each([
  ["Pulumi.dev.yaml", "config: [\n", /^\/.*Pulumi\.dev\.yaml: Flow sequence .* at line 2, column 1$/],
  ["Pulumi.dev.yaml", "config: 5\n", /^\/.*Pulumi\.dev\.yaml: config: .*expected record/],
  ["Pulumi.dev.yaml", "5\n", /^\/.*Pulumi\.dev\.yaml: .*expected object/],
  ["Pulumi.yaml", "name: { a\n", /^\/.*Pulumi\.yaml: Flow map .* at line 2, column 1$/],
  ["Pulumi.yaml", "main: index.ts\n", /^\/.*Pulumi\.yaml: name: .*expected string/],
])("%s that says %j is refused in one line", async (name, text, message) => {
  await writeFile(join(root, name), text);
  const load = name === "Pulumi.yaml" ? loadProject(root) : loadStackConfig(root, "dev");
  const error = await load.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).message).toMatch(message);
  expect((error as UserError).message).not.toContain("\n");
});
