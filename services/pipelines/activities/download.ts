import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import type { DownloadAction } from "../plan/index.ts";

// A server that sends nothing for so long has stalled.
const STALL_MILLISECONDS = 60_000;

export interface DownloadProgress {
  readonly bytes: number;
  /** Undefined: the server does not say. */
  readonly total: number | undefined;
}

export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DownloadProgress) => void;
  /** Default 60 s. */
  readonly stallMilliseconds?: number;
}

/**
 * Fetches a file. What arrives is hashed on its way to `<output>.part`, which a later try goes on with as long as the server
 * has the same content, and which takes the place of `output` only when it is whole and right.
 * @throws `unexpected status code N`, `sha256 mismatch: expected A got B`, and what the network says
 */
export async function download(
  { url, output, sha256 }: DownloadAction,
  options: DownloadOptions,
): Promise<void> {
  await mkdir(dirname(output), { recursive: true });
  const part = `${output}.part`;
  const hash = await fetchInto(url, part, options);
  const found = hash.digest("hex");
  if (sha256 !== undefined && found !== sha256.toLowerCase()) {
    await discard(part);
    throw new Error(`sha256 mismatch: expected ${sha256} got ${found}`);
  }
  await rename(part, output);
  await rm(tagFile(part), { force: true });
}

async function fetchInto(url: string, part: string, options: DownloadOptions): Promise<Hash> {
  const before = await partial(part);
  const stall = new Stall(options.stallMilliseconds ?? STALL_MILLISECONDS);
  const signal = AbortSignal.any([options.signal, stall.signal]);
  try {
    const response = await fetch(url, {
      signal,
      headers: before === undefined ? {} : { range: `bytes=${before.bytes}-`, "if-range": before.tag },
    });
    if (response.status === 416) {
      // What is there is more than the server has: it is of something else.
      await discard(part);
      throw new Error(`unexpected status code 416: ${part} was of other content; the next try begins anew`);
    }
    if (!response.ok || response.body === null) throw new Error(`unexpected status code ${response.status}`);
    const resumed = response.status === 206 && before !== undefined;
    const hash = createHash("sha256");
    if (resumed) await pipeline(createReadStream(part), hash, { end: false });
    else await discard(part);
    const tag = response.headers.get("etag");
    // A weak tag promises no equal bytes.
    if (tag !== null && !tag.startsWith("W/")) await writeFile(tagFile(part), tag);

    const offset = resumed ? before.bytes : 0;
    const length = lengthOf(response);
    const total = length === undefined ? undefined : offset + length;
    const file = await open(part, resumed ? "a" : "w");
    let bytes = offset;
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        stall.moved();
        await file.write(chunk);
        hash.update(chunk);
        bytes += chunk.length;
        options.onProgress({ bytes, total });
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (total !== undefined && bytes !== total)
      throw new Error(`the server promised ${total} bytes and sent ${bytes}`);
    return hash;
  } catch (error) {
    options.signal.throwIfAborted();
    if (stall.signal.aborted) throw stall.signal.reason;
    throw withCause(error);
  } finally {
    stall.end();
  }
}

/** The length of the body as it arrives here; unknown where it is compressed on its way. */
function lengthOf(response: Response): number | undefined {
  const length = response.headers.get("content-length");
  return length === null || response.headers.has("content-encoding") ? undefined : Number(length);
}

/** What an earlier try left, with what the server called its content; undefined where it cannot be gone on with. */
async function partial(part: string): Promise<{ bytes: number; tag: string } | undefined> {
  try {
    const [{ size }, tag] = await Promise.all([stat(part), readFile(tagFile(part), "utf8")]);
    return size === 0 ? undefined : { bytes: size, tag };
  } catch {
    return undefined;
  }
}

async function discard(part: string): Promise<void> {
  await Promise.all([rm(part, { force: true }), rm(tagFile(part), { force: true })]);
}

function tagFile(part: string): string {
  return `${part}.etag`;
}

/** fetch says "fetch failed", and why in its cause. */
function withCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { cause } = error;
  return cause instanceof Error ? new Error(`${error.message}: ${cause.message}`, { cause: error }) : error;
}

/** Aborts when nothing has moved for too long. */
class Stall {
  readonly #controller = new AbortController();
  readonly #milliseconds: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    this.moved();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  moved(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Error(`the server has sent nothing for ${this.#milliseconds / 1000} s`));
    }, this.#milliseconds);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
