import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository } from "../../support/project.ts";

// Two checkouts of this repository, as a workflow has them.
let folder: string;
let base: string;
let head: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ai-how-pull-request-"));
  [base, head] = [join(folder, "base"), join(folder, "head")];
  await execa("git", ["worktree", "add", "--detach", head], { cwd: repository });
  await symlink(join(repository, "node_modules"), join(head, "node_modules"));
});

afterAll(async () => {
  for (const checkout of [base, head])
    await execa("git", ["worktree", "remove", "--force", checkout], { cwd: repository, reject: false });
  await rm(folder, { recursive: true, force: true });
});

async function edit(checkout: string, file: string, change: (text: string) => string): Promise<void> {
  const path = join(checkout, file);
  const before = await readFile(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`${file}: nothing to change`);
  await writeFile(path, after);
}

/** The comment, as a workflow gets it from the step. */
async function preview(of = "base"): Promise<string> {
  const output = join(folder, "output");
  await writeFile(output, "");
  const script = join(repository, "tools", "pull-request", "preview.sh");
  const env = { GITHUB_OUTPUT: output, GITHUB_TOKEN: "none-of-the-program's-business" };
  const said = await execa(script, [of, "head"], { cwd: folder, env, reject: false });
  expect(said.stderr).toBe("");
  expect(said.exitCode).toBe(0);
  const [, text = ""] = /^comment<<(?:[\w-]+)\n([^]*)\n[\w-]+\n$/.exec(await readFile(output, "utf8")) ?? [];
  expect(said.stdout).toBe(text);
  return text;
}

function row(text: string, stack: string): string[] {
  const line = text.split("\n").find((each) => each.startsWith(`| ${stack} `)) ?? "";
  return line
    .split("|")
    .map((cell) => cell.trim())
    .slice(2, -1);
}

describe("a pull request that changes nothing but words", () => {
  it("changes no stack, and says which are not there yet", async () => {
    await edit(head, "stacks/dev.yaml", (text) => `# A comment.\n${text}`);
    // A revision, as a workflow names it: it becomes the folder `base`.
    const text = await preview("HEAD");
    expect(row(text, "dev")).toEqual(["0", "0", "0", "0", "kept"]);
    expect(row(text, "workstation")).toEqual(["0", "0", "0", "0", "kept"]);
    expect(row(text, "homelab")[0]).toBe("not there yet");
    expect(row(text, "dgx-spark")[0]).toBe("not there yet");
    expect(text).not.toContain("<details");
  });
});

describe("a pull request that changes cluster files", () => {
  it("is told in machines, networks and outputs", async () => {
    await edit(head, "stacks/dev.yaml", (text) => text.replace("memory_mb: 1536", "memory_mb: 2048"));
    await edit(head, "stacks/workstation.yaml", (text) => text.replaceAll("192.168.110.", "192.168.111."));
    await edit(head, "Pulumi.homelab.yaml", (text) => text.replace("target: homelab", "target: home-lab"));
    const text = await preview();
    expect(row(text, "dev")).toEqual(["0", "1", "0", "0", "kept"]);
    expect(text).toContain(
      "! dev-controller-domain (libvirt:index:Domain)\n-     memory: 1536\n+     memory: 2048\n",
    );
    expect(row(text, "workstation")).toEqual(["0", "0", "1", "0", "kept"]);
    expect(text).toContain("! cloud-network-network (libvirt:index:Network): replaced\n");
    expect(text).toContain(
      '-     leases[0].address: "192.168.110.10"\n+     leases[0].address: "192.168.111.10"\n',
    );
    expect(row(text, "homelab")[0]).toBe("**cannot be previewed**");
    expect(text).toContain("ai-how:target: home-lab is not one of dev, workstation");
    expect(text).not.toContain(folder);
  });
});

describe("a base branch that knows no plans for programs", () => {
  it("is no reason to say nothing", async () => {
    await edit(base, "cli/runs.ts", (text) =>
      text.replace('if (run === "preview") {', 'if (run === "never") {'),
    );
    await rm(join(base, "Pulumi.workstation.yaml"));
    const text = await preview();
    expect(text).toContain("unknown option '--format'");
    expect(text).toMatch(/<b>dev: \d+ added<\/b>/);
    expect(text).toContain("+ dev-controller-domain (libvirt:index:Domain)\n");
    expect(text).toContain("the base branch has no such stack");
    expect(text).toMatch(/<b>workstation: \d+ added<\/b>/);
  });
});
