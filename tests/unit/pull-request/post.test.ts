import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { FakeForge, type FakeForgeOptions } from "../../support/fake-forge.ts";
import { repository } from "../../support/project.ts";

const TOKEN = "a-token-that-nobody-else-sees";
const MARKER = "<!-- ai-how: preview of every stack -->";

async function forgeOf(options: Omit<FakeForgeOptions, "token" | "login">) {
  const login = options.kind === "github" ? "github-actions[bot]" : "gitea-actions";
  const forge = new FakeForge({ ...options, token: TOKEN, login });
  const api = await forge.listen();
  onTestFinished(() => forge.close());
  return { forge, api, login };
}

/** Runs the script as the workflow does: everything in the environment, nothing in its arguments. */
async function post(
  api: string,
  author: string,
  comment: string,
  more: Readonly<Record<string, string>> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "ai-how-post-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const summary = join(folder, "summary.md");
  const said = await execa(process.execPath, [join(repository, "tools", "pull-request", "post.ts")], {
    env: {
      ...{ COMMENT: comment, COMMENT_AUTHOR: author, PULL_REQUEST: "7" },
      ...{ GITHUB_API_URL: api, GITHUB_REPOSITORY: "site/ai-how", GITHUB_TOKEN: TOKEN },
      ...{ GITHUB_STEP_SUMMARY: summary, PATH: process.env.PATH, ...more },
    },
    extendEnv: false,
    all: true,
    reject: false,
  });
  expect(said.all).not.toContain(TOKEN);
  const { exitCode, stdout, stderr, all } = said;
  return { exitCode, stdout, stderr, all, summary: (): string => readFileSync(summary, "utf8") };
}

for (const kind of ["github", "gitea"] as const) {
  describe(`post.ts and a fake ${kind}`, () => {
    it("comments once, and updates that comment at the next push", async () => {
      const { forge, api, login } = await forgeOf({ kind });
      forge.add("eve", "A comment of a person");
      expect(await post(api, login, "first")).toMatchObject({ exitCode: 0, stdout: "commented" });
      expect(await post(api, login, "second")).toMatchObject({ exitCode: 0, stdout: "updated comment 1001" });
      expect(forge.comments.map(({ body }) => body)).toEqual(["A comment of a person", `${MARKER}\nsecond`]);
    });

    it("finds its comment behind hundreds of others", async () => {
      const { forge, api, login } = await forgeOf({ kind });
      for (let index = 0; index < 250; index += 1) forge.add("eve", `comment ${index}`);
      const ours = forge.add(login, `${MARKER}\nold`);
      for (let index = 0; index < 30; index += 1) forge.add("eve", `later ${index}`);
      expect((await post(api, login, "new")).exitCode).toBe(0);
      expect(ours.body).toBe(`${MARKER}\nnew`);
      expect(forge.comments).toHaveLength(281);
      expect(forge.requests.filter((request) => request.startsWith("GET"))).toHaveLength(
        kind === "github" ? 3 : 1,
      );
    });

    it("leaves a comment alone that says the same already", async () => {
      const { forge, api, login } = await forgeOf({ kind });
      await post(api, login, "same");
      expect((await post(api, login, "same")).stdout).toBe("the comment is up to date");
      expect(forge.requests.filter((request) => request.startsWith("PATCH"))).toEqual([]);
    });

    it("does not touch what somebody else wrote, marker or not", async () => {
      const { forge, api, login } = await forgeOf({ kind });
      const trap = forge.add("eve", `${MARKER}\ngotcha`);
      expect((await post(api, login, "text")).stdout).toBe("commented");
      expect(trap.body).toBe(`${MARKER}\ngotcha`);
    });

    it("writes the summary of the run where it may not comment, and says so", async () => {
      const { forge, api, login } = await forgeOf({ kind, refuses: 403 });
      const said = await post(api, login, "## Preview");
      expect(said).toMatchObject({ exitCode: 0 });
      expect(said.stdout).toBe(
        "not commented: POST /issues/7/comments was answered with 403; the preview is in the summary of this run",
      );
      expect(said.summary()).toMatch(/token cannot comment, .* fork.*\n\n## Preview\n$/);
      expect(forge.comments).toEqual([]);
    });
  });
}

it("never sends more than the API takes", async () => {
  const { forge, api, login } = await forgeOf({ kind: "github" });
  expect((await post(api, login, "x".repeat(70_000))).exitCode).toBe(0);
  expect(forge.comments[0]?.body).toHaveLength(65_536);
});

it("fails aloud when the server does", async () => {
  const { api, login } = await forgeOf({ kind: "github", refuses: 502 });
  const said = await post(api, login, "text");
  expect(said.exitCode).toBe(1);
  expect(said.all).toContain("/issues/7/comments: 502");
});

it("does not follow a server that sends it elsewhere", async () => {
  const { forge, api, login } = await forgeOf({ kind: "github", refuses: 307 });
  expect((await post(api, login, "text")).exitCode).toBe(1);
  expect(forge.requests.at(-1)).toBe("POST /repos/site/ai-how/issues/7/comments");
});

it("says what the workflow has forgotten", async () => {
  const said = await post("http://127.0.0.1:1", "a", "text", { PULL_REQUEST: "" });
  expect(said).toMatchObject({
    exitCode: 2,
    stderr: "post.ts: PULL_REQUEST is not set; a workflow has to give it",
  });
});
