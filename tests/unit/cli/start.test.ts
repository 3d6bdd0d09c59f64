import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { repository } from "../../support/project.ts";

test("a command loads nothing of Temporal, Docker and Kubernetes that it does not use", async () => {
  const script = `
    process.argv = [process.execPath, "ai-how", "validate", "stacks/dev.yaml"];
    await import(${JSON.stringify(join(repository, "cli/main.ts"))});
    const { createRequire } = await import("node:module");
    const loaded = Object.keys(createRequire(${JSON.stringify(import.meta.filename)}).cache);
    const packages = loaded.map((file) => /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1] ?? file);
    console.log(JSON.stringify([...new Set(packages)]));`;
  const { stdout } = await execa(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: repository,
  });
  const packages = JSON.parse(stdout.split("\n").at(-1) ?? "") as string[];
  expect(packages).toContain("write-file-atomic");
  const heavy = [
    "@temporalio",
    "@pulumi/docker",
    "@pulumi/kubernetes",
    "@pulumi/policy",
    "webpack",
    "typescript",
  ];
  expect(packages.filter((name) => heavy.some((each) => name.startsWith(each)))).toEqual([]);
});
