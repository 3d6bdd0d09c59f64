// Puts the text of COMMENT under a pull request, in the place of what it put there before: `node post.ts`. GitHub and
// Gitea have the same routes for that. A token that may not write, as a fork's may not, leaves the text in the summary of
// the workflow's run. This runs with a token that writes, from the base branch: it uses nothing but Node itself, so that
// no package is installed where the token is.
import { appendFileSync } from "node:fs";

// Found again by this; nobody sees it.
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
  /** Who writes our comments; nobody else's is touched, whatever stands in it. */
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
    process.stdout.write("the comment says so already\n");
  } else {
    await call(place, "PATCH", `/issues/comments/${before.id}`, { body });
    process.stdout.write(`updated comment ${before.id}\n`);
  }
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  const note =
    "This run's token may not comment, as that of a pull request from a fork: the preview is here instead.";
  const { GITHUB_STEP_SUMMARY } = process.env;
  if (GITHUB_STEP_SUMMARY !== undefined) appendFileSync(GITHUB_STEP_SUMMARY, `${note}\n\n${text}\n`);
  process.stdout.write(`not commented: ${error.message}; the preview is in the summary of this run\n`);
}

/** The comment of an earlier run; undefined for the first. */
async function findOurs(of: Place): Promise<Comment | undefined> {
  const path = `/issues/${of.number}/comments?per_page=${PAGE}`;
  for (let page = 1; ; page += 1) {
    const { content, hasNext } = await call(of, "GET", `${path}&page=${page}`);
    if (!Array.isArray(content)) throw new Error(`${path}: no list of comments`);
    const ours = content
      .map(commentOf)
      .find((comment) => comment.author === of.author && comment.body.startsWith(MARKER));
    // Gitea gives all comments at once, whatever page is asked for, and speaks of no next one.
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
    // The token goes to the server that it is of, and nowhere else.
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
