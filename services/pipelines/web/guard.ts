import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";

const COOKIE = "ai-how-session";
/** Header of every request that changes something. A page of another site cannot send it without a preflight request. */
export const CHANGE_HEADER = "x-ai-how";
const LOOPBACK_NAME = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/** Whether an address can be reached from this host only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/**
 * Refuses requests from pages of other sites. On loopback without a token, the host name must be one of loopback: otherwise
 * another site could point its name to this host, and its pages would have our origin.
 */
export function refuseStrangers(needsLoopbackName: boolean): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header("host") ?? "";
    if (needsLoopbackName && !LOOPBACK_NAME.test(host))
      return refuse(context, "this is not a name of this host");
    const origin = context.req.header("origin");
    if (origin !== undefined && !isOwnOrigin(origin, host))
      return refuse(context, "this request is from a page of another site");
    const isReading = context.req.method === "GET" || context.req.method === "HEAD";
    if (!isReading && context.req.header(CHANGE_HEADER) === undefined)
      return refuse(context, `a request that changes something needs the header ${CHANGE_HEADER}`);
    await next();
    return undefined;
  };
}

function isOwnOrigin(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function refuse(context: Context, error: string): Response {
  return context.json({ error }, 403);
}

/** Checks the token. */
export class Sessions {
  readonly #token: Buffer;
  readonly #open = new Set<string>();

  constructor(token: string) {
    this.#token = digest(token);
  }

  /** Accepts the token in a header, for programs, or a session, for pages. */
  get required(): MiddlewareHandler {
    return async (context, next) => {
      const [scheme, token] = (context.req.header("authorization") ?? "").split(" ");
      const isProgram = scheme === "Bearer" && this.#isRight(token ?? "");
      if (!isProgram && !this.#open.has(getCookie(context, COOKIE) ?? ""))
        return context.json({ error: "give the token" }, 401);
      await next();
      return undefined;
    };
  }

  /** Starts a session; false if the token is wrong. */
  open(context: Context, token: string): boolean {
    if (!this.#isRight(token)) return false;
    const session = randomBytes(32).toString("base64url");
    this.#open.add(session);
    setCookie(context, COOKIE, session, { httpOnly: true, sameSite: "Strict", path: "/" });
    return true;
  }

  #isRight(token: string): boolean {
    return timingSafeEqual(digest(token), this.#token);
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
