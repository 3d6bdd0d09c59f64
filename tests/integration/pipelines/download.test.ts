import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { download, type DownloadProgress } from "../../../services/pipelines/activities/download.ts";
import { FaultServer, file, status, type Behaviour } from "../../support/fault-server.ts";

const CONTENT = Buffer.from("0123456789".repeat(30_000));
const OTHER = Buffer.from("abcdefghij".repeat(30_000));
const sum = (content: Buffer): string => createHash("sha256").update(content).digest("hex");

describe("a download", () => {
  const server = new FaultServer();
  const folder = mkdtempSync(join(tmpdir(), "ai-how-download-"));
  let files = 0;

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** A place to download to, and how to. */
  function subject(path: string, sha256?: string) {
    const output = join(folder, `file-${(files += 1)}`);
    const progress: DownloadProgress[] = [];
    return {
      output,
      progress,
      left: () => readdirSync(folder).filter((name) => join(folder, name).startsWith(`${output}.`)),
      try: (behaviour: Behaviour, signal = new AbortController().signal) =>
        download(
          { url: server.on(path, behaviour), output, ...(sha256 !== undefined && { sha256 }) },
          { signal, stallMilliseconds: 300, onProgress: (step) => progress.push(step) },
        ),
    };
  }

  it("follows redirects, makes folders, and tells how far it is", async () => {
    const { progress, ...one } = subject("/moved", sum(CONTENT));
    server.on("/there", file(CONTENT));
    await one.try(status(302, { location: "/there" }));
    expect(readFileSync(one.output)).toEqual(CONTENT);
    expect(progress.at(-1)).toEqual({ bytes: CONTENT.length, total: CONTENT.length });
    await expect(subject("/round").try(status(302, { location: "/round" }))).rejects.toThrow(/redirect/);
  });

  it("goes on where it stalled, and shows nothing of it before it is whole", async () => {
    const one = subject("/stalls", sum(CONTENT));
    writeFileSync(one.output, "the file of before");
    await expect(one.try(file(CONTENT, { tag: '"1"', stallAfter: 100_000 }))).rejects.toThrow(
      "the server has sent nothing for 0.3 s",
    );
    expect(readFileSync(one.output, "utf8")).toBe("the file of before");
    await one.try(file(CONTENT, { tag: '"1"' }));
    expect(server.ranges("/stalls")).toEqual([undefined, "bytes=100000-"]);
    expect(readFileSync(one.output)).toEqual(CONTENT);
    expect(one.left()).toEqual([]);
  });

  it("gives up on a server that never answers", async () => {
    await expect(subject("/silent").try(() => undefined)).rejects.toThrow("has sent nothing for 0.3 s");
  });

  it("begins anew where the content changed, or where nothing says that it did not", async () => {
    const changed = subject("/changed", sum(OTHER));
    await expect(changed.try(file(CONTENT, { tag: '"1"', stallAfter: 1000 }))).rejects.toThrow();
    await changed.try(file(OTHER, { tag: '"2"' }));
    expect(readFileSync(changed.output)).toEqual(OTHER);

    for (const tag of [undefined, 'W/"weak"']) {
      const one = subject(`/no-tag-${String(tag !== undefined)}`);
      const options = tag === undefined ? {} : { tag };
      await expect(one.try(file(CONTENT, { ...options, stallAfter: 1000 }))).rejects.toThrow();
      await one.try(file(OTHER, options));
      expect(readFileSync(one.output)).toEqual(OTHER);
    }
  });

  it("does not believe a server that goes on with other content, or elsewhere", async () => {
    const one = subject("/mixed", sum(OTHER));
    await expect(one.try(file(CONTENT, { tag: '"1"', stallAfter: 1000 }))).rejects.toThrow();
    await expect(one.try(file(OTHER, { tag: '"2"', ignoresIfRange: true }))).rejects.toThrow("other content");
    await one.try(file(OTHER, { tag: '"2"', ignoresIfRange: true }));
    expect(readFileSync(one.output)).toEqual(OTHER);

    const elsewhere = subject("/elsewhere", sum(CONTENT));
    await expect(elsewhere.try(file(CONTENT, { tag: '"1"', stallAfter: 1000 }))).rejects.toThrow();
    const fromStart: Behaviour = (_request, response) => {
      response.writeHead(206, { etag: '"1"', "content-range": `bytes 0-${CONTENT.length - 1}/*` });
      response.end(CONTENT);
    };
    await expect(elsewhere.try(fromStart)).rejects.toThrow("other content");
    await expect(elsewhere.try(fromStart)).rejects.toThrow("unexpected status code 206");
  });

  it("finds out about a server that lies about its length", async () => {
    const less = subject("/less", sum(CONTENT));
    await expect(less.try(file(CONTENT, { tag: '"1"', cutAfter: 1000 }))).rejects.toThrow();
    expect(existsSync(less.output)).toBe(false);
    await less.try(file(CONTENT, { tag: '"1"' }));
    expect(readFileSync(less.output)).toEqual(CONTENT);

    const more = subject("/more", sum(CONTENT));
    const short: Behaviour = (_request, response) => {
      response.writeHead(200, { "content-length": 1000 }).end(CONTENT);
    };
    await expect(more.try(short)).rejects.toThrow();
    expect(existsSync(more.output)).toBe(false);
  });

  it("takes away what has the wrong sum, and leaves what was there before", async () => {
    const one = subject("/bad", sum(CONTENT).toUpperCase());
    writeFileSync(one.output, "the file of before");
    await expect(one.try(file(OTHER, { tag: '"1"' }))).rejects.toThrow(
      `sha256 mismatch: expected ${sum(CONTENT).toUpperCase()} got ${sum(OTHER)}`,
    );
    expect(one.left()).toEqual([]);
    expect(readFileSync(one.output, "utf8")).toBe("the file of before");
    await one.try(file(CONTENT, { tag: '"1"' }));
    expect(readFileSync(one.output)).toEqual(CONTENT);
  });

  it("needs no more bytes when only its last moment was missing", async () => {
    const one = subject("/whole", sum(CONTENT));
    writeFileSync(`${one.output}.part`, CONTENT);
    writeFileSync(`${one.output}.part.etag`, '"1"');
    await one.try(file(CONTENT, { tag: '"1"' }));
    expect(readFileSync(one.output)).toEqual(CONTENT);
    expect(one.progress).toEqual([]);
  });

  it("keeps what it has while the server is out of order", async () => {
    const one = subject("/order", sum(CONTENT));
    await expect(one.try(file(CONTENT, { tag: '"1"', stallAfter: 1000 }))).rejects.toThrow();
    await expect(one.try(status(503))).rejects.toThrow(/^unexpected status code 503$/);
    await one.try(file(CONTENT, { tag: '"1"' }));
    expect(server.ranges("/order").at(-1)).toMatch(/^bytes=\d+-$/);
    expect(readFileSync(one.output)).toEqual(CONTENT);
  });

  it("asks for the file itself, not for a compressed one", async () => {
    const one = subject("/gzip", sum(CONTENT));
    await one.try(({ headers }, response) => {
      if (headers["accept-encoding"] === "identity") response.end(CONTENT);
      else response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(CONTENT));
    });
    expect(one.progress.at(-1)?.bytes).toBe(CONTENT.length);
    expect(readFileSync(one.output)).toEqual(CONTENT);
  });

  it("stops when it is told to, and can be gone on with", async () => {
    const one = subject("/stopped", sum(CONTENT));
    const abort = new AbortController();
    const trying = one.try(file(CONTENT, { tag: '"1"', stallAfter: 1000 }), abort.signal);
    const stopped = expect(trying).rejects.toThrow("enough");
    await expect.poll(() => one.left()).toHaveLength(2);
    abort.abort(new Error("enough"));
    await stopped;
    expect(one.left()).toHaveLength(2);
  });
});
