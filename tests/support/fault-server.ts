import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll } from "vitest";

/** What is sent for a path. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

/** What somebody asked for. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

/** An HTTP server on loopback that does to its clients what real servers do on bad days. */
export class FaultServer {
  readonly asked: Asked[] = [];
  readonly #behaviours = new Map<string, Behaviour>();
  readonly #server = createServer((request, response) => {
    const path = request.url ?? "";
    this.asked.push({ path, headers: request.headers });
    const behaviour = this.#behaviours.get(path.split("?")[0] ?? "") ?? status(404);
    behaviour(request, response);
  });

  /** Registers its own setting up and taking down with vitest. */
  constructor() {
    beforeAll(() => new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve)));
    afterAll(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
  }

  get origin(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  /** Says what is sent for a path from now on; returns its address. */
  on(path: string, behaviour: Behaviour): string {
    this.#behaviours.set(path, behaviour);
    return this.origin + path;
  }

  /** The ranges that were asked for at a path, in order; undefined: all of it. */
  ranges(path: string): (string | undefined)[] {
    return this.asked.filter((each) => each.path === path).map(({ headers }) => headers.range);
  }
}

export function status(code: number, headers: Readonly<Record<string, string>> = {}): Behaviour {
  return (_request, response) => void response.writeHead(code, headers).end();
}

interface FileOptions {
  readonly tag?: string;
  /** Sends so many bytes and then nothing more. */
  readonly stallAfter?: number;
  /** Sends so many bytes and then breaks the connection. */
  readonly cutAfter?: number;
  /** Sends what is left of a file whatever its content is now. */
  readonly ignoresIfRange?: boolean;
}

/** A file with ranges, and what can go wrong with it. */
export function file(
  content: Buffer,
  { tag, stallAfter, cutAfter, ignoresIfRange = false }: FileOptions = {},
): Behaviour {
  return ({ headers }, response) => {
    const wanted = /^bytes=(\d+)-$/.exec(headers.range ?? "");
    const isCurrent = ignoresIfRange || headers["if-range"] === undefined || headers["if-range"] === tag;
    const from = wanted !== null && isCurrent ? Number(wanted[1]) : 0;
    const common = tag === undefined ? {} : { etag: tag };
    if (from >= content.length && from > 0) {
      response.writeHead(416, { ...common, "content-range": `bytes */${content.length}` }).end();
      return;
    }
    const rest = content.subarray(from);
    const range =
      from === 0 ? {} : { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from === 0 ? 200 : 206, { ...common, ...range, "content-length": rest.length });
    const most = stallAfter ?? cutAfter;
    if (most === undefined) response.end(rest);
    else
      response.write(rest.subarray(0, most), () => {
        if (cutAfter !== undefined) response.destroy();
      });
  };
}
