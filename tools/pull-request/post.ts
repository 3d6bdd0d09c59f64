// Writes or updates a comment with the text of COMMENT on a pull request: `node post.ts`. GitHub and Gitea have the same routes
// for that. If the token cannot write, as in a fork's pull request, the text goes to the summary of the workflow's run. This
// script comes from the base branch and has a token that writes, so it uses only Node and needs no installed package.
import { appendFileSync } from "node:fs";

// An invisible marker of our comment.
const MARKER = "<!-- ai-how: preview of every stack -->";
const LONGEST = 65_536;
const PAGE = 100;

interface Place {
  /** `https://api.github.com`, `https://git.example.org/api/v1` */
  readonly api: string;
  /** `owner/name` */
  readonly repository: string;
  readonly number: string;
  readonly token: string;
  /** The author of our comments; others' comments are never changed. */
  readonly author: string;
}

interface Comment {
  readonly id: number;
  readonly body: string;
  readonly author: string;
}

class Refused extends Error {}

const text = variable("COMMENT");
const body = `${MARKER}\n${text}`.slice(0, LONGEST);
const place: Place = {
  api: variable("GITHUB_API_URL").replace(/\/+$/, ""),
  repository: variable("GITHUB_REPOSITORY"),
  number: variable("PULL_REQUEST"),
  token: variable("GITHUB_TOKEN"),
  author: variable("COMMENT_AUTHOR"),
};

try {
  const before = await findOurs(place);
  if (before === undefined) {
    await call(place, "POST", `/issues/${place.number}/comments`, { body });
    process.stdout.write("commented\n");
  } else if (before.body === body) {
    process.stdout.write("the comment is up to date\n");
  } else {
    await call(place, "PATCH", `/issues/comments/${before.id}`, { body });
    process.stdout.write(`updated comment ${before.id}\n`);
  }
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  const note = "This run's token cannot comment, as in a pull request from a fork, so the preview is here.";
  const { GITHUB_STEP_SUMMARY } = process.env;
  if (GITHUB_STEP_SUMMARY !== undefined) appendFileSync(GITHUB_STEP_SUMMARY, `${note}\n\n${text}\n`);
  process.stdout.write(`not commented: ${error.message}; the preview is in the summary of this run\n`);
}

/** The comment of an earlier run; undefined if there is none. */
async function findOurs(of: Place): Promise<Comment | undefined> {
  const path = `/issues/${of.number}/comments?per_page=${PAGE}`;
  for (let page = 1; ; page += 1) {
    const { content, hasNext } = await call(of, "GET", `${path}&page=${page}`);
    if (!Array.isArray(content)) throw new Error(`${path}: no list of comments`);
    const ours = content
      .map(commentOf)
      .find((comment) => comment.author === of.author && comment.body.startsWith(MARKER));
    // Gitea returns all comments for every page and has no link to a next one.
    if (ours !== undefined || !hasNext) return ours;
  }
}

async function call(
  of: Place,
  method: "GET" | "POST" | "PATCH",
  path: string,
  sent?: { readonly body: string },
): Promise<{ content: unknown; hasNext: boolean }> {
  const prefix = `${of.api}/repos/${of.repository}`;
  const response = await fetch(`${prefix}${path}`, {
    method,
    headers: {
      accept: "application/json",
      authorization: `token ${of.token}`,
      ...(sent !== undefined && { "content-type": "application/json" }),
    },
    ...(sent !== undefined && { body: JSON.stringify(sent) }),
    // A redirect could send the token to another server.
    redirect: "error",
    signal: AbortSignal.timeout(60_000),
  });
  if (response.status === 401 || response.status === 403)
    throw new Refused(`${method} ${path.replace(/\?.*/, "")} was answered with ${response.status}`);
  if (!response.ok) throw new Error(`${method} ${prefix}${path}: ${response.status} ${response.statusText}`);
  const hasNext = /;\s*rel="next"/.test(response.headers.get("link") ?? "");
  return { content: await response.json(), hasNext };
}

function commentOf(value: unknown): Comment {
  if (
    typeof value === "object" &&
    value !== null &&
    "id" in value &&
    typeof value.id === "number" &&
    "body" in value &&
    typeof value.body === "string"
  ) {
    return { id: value.id, body: value.body, author: "user" in value ? loginOf(value.user) : "" };
  }
  throw new Error("a comment without id or body");
}

function loginOf(user: unknown): string {
  const login = typeof user === "object" && user !== null && "login" in user ? user.login : undefined;
  return typeof login === "string" ? login : "";
}

function variable(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== "") return value;
  process.stderr.write(`post.ts: ${name} is not set; a workflow has to give it\n`);
  return process.exit(2);
}
