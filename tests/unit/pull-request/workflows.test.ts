import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { repository } from "../../support/project.ts";

const step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).default({}),
  env: z.record(z.string(), z.coerce.string()).default({}),
});
const job = z.object({ permissions: z.record(z.string(), z.string()), steps: z.array(step) });
const workflow = z.object({
  on: z.unknown(),
  permissions: z.record(z.string(), z.string()),
  jobs: z.object({ preview: job, comment: job.extend({ needs: z.string() }) }),
});

/** Each line that names an action names a commit, and says which version that is. */
function expectPinned(text: string, count: number): void {
  const uses = text.split("\n").filter((line) => line.includes("uses:"));
  expect(uses.length).toBe(count);
  for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
}

describe.each([".github", ".gitea"])("the workflow of the tests in %s", (folder) => {
  const text = readFileSync(join(repository, folder, "workflows", "test.yml"), "utf8");
  const { permissions, jobs } = z
    .object({ permissions: z.record(z.string(), z.string()), jobs: z.object({ test: job }) })
    .parse(parse(text));

  it("runs the README's test command, with a token that only reads and that no step keeps", () => {
    const { steps, permissions: granted } = jobs.test;
    expect([permissions, granted]).toEqual([{}, { contents: "read" }]);
    expect(steps.at(-1)?.run).toBe(".ci/run");
    for (const { env, with: inputs, uses } of steps) {
      expect(JSON.stringify({ env, inputs })).not.toMatch(/token|secrets/);
      if (uses?.startsWith("actions/checkout@") === true) expect(inputs["persist-credentials"]).toBe(false);
    }
  });

  it("pins every action to a commit, and says which version that is", () => {
    expectPinned(text, jobs.test.steps.filter((each) => each.uses !== undefined).length);
  });
});

describe.each([".github", ".gitea"])("the workflow in %s", (folder) => {
  const text = readFileSync(join(repository, folder, "workflows", "preview.yml"), "utf8");
  const { on, permissions, jobs } = workflow.parse(parse(text));
  const steps = [...jobs.preview.steps, ...jobs.comment.steps];

  it("runs for pull requests as they are, and not with the base branch's rights", () => {
    expect(on).toBe("pull_request");
    expect(permissions).toEqual({});
  });

  it("gives the pull request's code nothing but the right to read, and no token", () => {
    expect(jobs.preview.permissions).toEqual({ contents: "read" });
    for (const { env, with: inputs, uses } of jobs.preview.steps) {
      expect(JSON.stringify({ env, inputs })).not.toMatch(/token|secrets/);
      if (uses?.startsWith("actions/checkout@") === true) expect(inputs["persist-credentials"]).toBe(false);
    }
  });

  it("gives a token that writes to code of the base branch only", () => {
    expect(jobs.comment.permissions).toMatchObject({ contents: "read", "pull-requests": "write" });
    const checkouts = jobs.comment.steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    expect(checkouts.map(({ with: inputs }) => inputs.ref)).toEqual([
      "${{ github.event.pull_request.base.sha }}",
    ]);
    const withToken = steps.filter(({ env }) => "GITHUB_TOKEN" in env);
    expect(withToken.map(({ run }) => run)).toEqual(["node tools/pull-request/post.ts"]);
  });

  it("puts nothing that a pull request says into a command", () => {
    for (const { run = "" } of steps) expect(run).not.toContain("${{");
  });

  it("pins every action to a commit, and says which version that is", () => {
    expectPinned(text, steps.filter((each) => each.uses !== undefined).length);
  });

  it("does nothing itself but call scripts that exist", () => {
    const commands = steps.flatMap(({ run }) => run ?? []);
    expect(commands).toEqual([
      'head/tools/pull-request/preview.sh "$BASE" head',
      "node tools/pull-request/post.ts",
    ]);
    for (const path of commands.flatMap((command) => /tools\/\S+/.exec(command)?.[0] ?? []))
      expect(existsSync(join(repository, path))).toBe(true);
  });

  it("gives the script what it asks for", () => {
    const script = readFileSync(join(repository, "tools", "pull-request", "post.ts"), "utf8");
    const asked = [...script.matchAll(/variable\("(\w+)"\)/g)].map(([, name]) => name);
    // These two every runner has.
    const known = ["GITHUB_API_URL", "GITHUB_REPOSITORY"];
    expect(jobs.preview.steps.flatMap(({ env }) => Object.keys(env))).toEqual(["BASE"]);
    const given = jobs.comment.steps.flatMap(({ env }) => Object.keys(env));
    expect([...given, ...known].sort()).toEqual(asked.sort());
  });
});
