import { readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planSchema } from "../../../engine/plan.ts";
import { Checkout } from "../../support/checkout.ts";
import { Page } from "../../support/page.ts";
import { repository } from "../../support/project.ts";

const page = await Page.read("docs/adding-a-service.md");

const AUTHOR = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];

async function edit(checkout: Checkout, file: string, was: string, is: string): Promise<void> {
  const path = join(checkout.root, file);
  const text = await readFile(path, "utf8");
  if (!text.includes(was)) throw new Error(`${file} has no ${was}`);
  await writeFile(path, text.replace(was, is));
}

/** The files of a checkout by path, as a digest of each. */
async function contents({ root }: Checkout): Promise<string> {
  const { stdout } = await execa({
    cwd: root,
  })`find . -path ./.git -prune -o -path ./node_modules -prune -o -path ./.venv -prune -o -path ./.ai-how -prune -o -type f -exec sha256sum {} +`;
  return stdout.split("\n").sort().join("\n");
}

describe("the page on services, followed to the letter", () => {
  let before: Checkout;
  let after: Checkout;

  beforeAll(async () => {
    [before, after] = await Promise.all([Checkout.copy(), Checkout.copy()]);
    await page.apply(after.root);
    await edit(after, "stacks/workstation.yaml", "# workshop:", "workshop:\n  mlflow: {}\n# workshop:");
  });
  afterAll(() => Promise.all([before.remove(), after.remove()]));

  it("is six files at most", () => {
    expect(page.touched.length).toBeLessThanOrEqual(6);
    expect(page.touched.filter((file) => file.startsWith("docs/"))).toHaveLength(1);
    expect(page.touched.filter((file) => file.startsWith("tests/"))).toHaveLength(1);
  });

  it("has types that hold, the form that lint wants, and a test that passes", async () => {
    const sources = page.touched.filter((file) => file.endsWith(".ts"));
    expect(await after.run("node", "docs/reference.ts")).toMatchObject({ exitCode: 0 });
    expect(await after.run("tsc", "--noEmit")).toMatchObject({ exitCode: 0, all: "" });
    expect(await after.run("prettier", "--check", ...sources)).toMatchObject({ exitCode: 0 });
    expect(await after.run("eslint", ...sources)).toMatchObject({ exitCode: 0, all: "" });
    const tests = page.touched.filter((file) => file.startsWith("tests/"));
    const run = await after.run(
      ...(["vitest", "run", "--project", "unit", ...tests, "tests/unit/architecture"] as const),
    );
    expect(run.exitCode, run.all).toBe(0);
  });

  it("is in the preview that the page prints, the graph and the plan", async () => {
    const preview = await after.run("bin/ai-how", "preview", "workstation");
    expect(preview).toMatchObject({ exitCode: 0 });
    const printed = page.console.filter((line) => line.includes("workstation-mlflow"));
    expect(printed).toHaveLength(3);
    for (const line of printed) expect(preview.all).toContain(line);
    expect((await after.run("bin/ai-how", "graph", "workstation")).all).toContain("workstation-mlflow");
    const { stdout } = await after.run("bin/ai-how", "preview", "workstation", "--format", "json");
    const { outputs, violations } = planSchema.parse(JSON.parse(stdout));
    expect(violations).toEqual([]);
    expect(outputs).toMatchObject({ workshop: { services: { mlflow: {} } } });
  });

  it("is in the comment on a pull request", async () => {
    const script = join(repository, "tools", "pull-request", "preview.sh");
    for (const { root } of [before, after]) {
      await execa("git", ["init", "-q"], { cwd: root });
      await execa("git", [...AUTHOR, "commit", "-q", "--allow-empty", "-m", "a state"], { cwd: root });
    }
    const said = await execa(script, [basename(before.root), basename(after.root)], {
      cwd: dirname(after.root),
    });
    expect(said.stdout).toContain("workstation-mlflow-server");
  });

  it("is held to the policies", async () => {
    await edit(after, "versions/images.ts", "mlflow:v3.4.0", "mlflow:latest");
    const preview = await after.run("bin/ai-how", "preview", "workstation");
    expect(preview.exitCode).toBe(1);
    expect(preview.all).toMatch(/pinned.*workstation-mlflow-server|workstation-mlflow-server.*pinned/s);
    await edit(after, "versions/images.ts", "mlflow:latest", "mlflow:v3.4.0");
  });

  it("is gone without a trace when it is taken out", async () => {
    await edit(after, "stacks/workstation.yaml", "workshop:\n  mlflow: {}\n# workshop:", "# workshop:");
    await page.revert(after.root);
    expect(await after.run("node", "docs/reference.ts")).toMatchObject({ exitCode: 0 });
    expect(await contents(after)).toBe(await contents(before));
  });
});
