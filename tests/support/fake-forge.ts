import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

/** A comment under the pull request. */
export interface ForgeComment {
  readonly id: number;
  body: string;
  readonly user: { readonly login: string };
}

export interface FakeForgeOptions {
  /** GitHub gives comments in pages; Gitea gives all of them, whatever page is asked for. */
  readonly kind: "github" | "gitea";
  readonly token: string;
  /** Whom the token is of. */
  readonly login: string;
  /** What any change is refused with. Default: none is. */
  readonly refuses?: number;
}

const PULL_REQUEST = 7;
const sentSchema = z.object({ body: z.string().max(65_536) });

/** A fake of the comments of one pull request on GitHub or Gitea, on loopback: neither can be had in a test. */
export class FakeForge {
  readonly comments: ForgeComment[] = [];
  /** `GET /repos/site/ai-how/issues/7/comments?per_page=100&page=1` */
  readonly requests: string[] = [];
  readonly #options: FakeForgeOptions;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });

  constructor(options: FakeForgeOptions) {
    this.#options = options;
  }

  /** Listens on a free port; returns the API's address. */
  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/api/v1`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  add(login: string, body: string): ForgeComment {
    const comment = { id: 1000 + this.comments.length, body, user: { login } };
    this.comments.push(comment);
    return comment;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const path = url.pathname.replace("/api/v1", "");
    const method = request.method ?? "";
    this.requests.push(`${method} ${path}${url.search}`);
    const reply = (status: number, content: unknown, headers = {}): void => {
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(content));
    };
    if (request.headers.authorization !== `token ${this.#options.token}`) {
      reply(401, { message: "Bad credentials" });
    } else if (method === "GET" && path === `/repos/site/ai-how/issues/${PULL_REQUEST}/comments`) {
      this.#list(url, reply);
    } else if (this.#options.refuses !== undefined) {
      const elsewhere = { location: "/elsewhere" };
      reply(this.#options.refuses, { message: "Resource not accessible by integration" }, elsewhere);
    } else if (method === "POST" && path === `/repos/site/ai-how/issues/${PULL_REQUEST}/comments`) {
      reply(201, this.add(this.#options.login, await sent(request)));
    } else if (method === "PATCH" && path.startsWith("/repos/site/ai-how/issues/comments/")) {
      const comment = this.comments.find(({ id }) => path.endsWith(`/${id}`));
      if (comment === undefined) {
        reply(404, {});
        return;
      }
      comment.body = await sent(request);
      reply(200, comment);
    } else reply(404, { message: "Not Found" });
  }

  #list(url: URL, reply: (status: number, content: unknown, headers?: object) => void): void {
    if (this.#options.kind === "gitea") {
      reply(200, this.comments, { "x-total-count": String(this.comments.length) });
      return;
    }
    const [page, size] = [Number(url.searchParams.get("page")), Number(url.searchParams.get("per_page"))];
    const next = `<https://api.github.com/repositories/42/issues/7/comments?page=${page + 1}>; rel="next"`;
    const isLast = page * size >= this.comments.length;
    reply(200, this.comments.slice((page - 1) * size, page * size), isLast ? {} : { link: next });
  }
}

async function sent(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return sentSchema.parse(JSON.parse(Buffer.concat(parts).toString())).body;
}
