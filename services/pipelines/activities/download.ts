import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { DownloadAction } from "../plan/index.ts";

// A server that sends nothing for this long has stalled.
const STALL_MILLISECONDS = 60_000;

export interface DownloadProgress {
  readonly bytes: number;
  /** Undefined if the server does not send it. */
  readonly total: number | undefined;
}

export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DownloadProgress) => void;
  /** Default 60 s. */
  readonly stallMilliseconds?: number;
}

/**
 * Downloads a file to `<output>.part` and renames that to `output` when it is complete and its hash is right. A later attempt
 * continues the partial file if the server still has the same content.
 * @throws `unexpected status code N`, `sha256 mismatch: expected A got B`, and network errors
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
  const before = await beginning(part);
  const stall = new Stall(options.stallMilliseconds ?? STALL_MILLISECONDS);
  const signal = AbortSignal.any([options.signal, stall.signal]);
  try {
    const response = await fetch(url, {
      signal,
      headers: {
        // Lengths and offsets of a compressed transfer are not those of the file.
        "accept-encoding": "identity",
        ...(before !== undefined && { range: `bytes=${before.bytes}-`, "if-range": before.tag }),
      },
    });
    if (before !== undefined && isWhole(response, before)) return await hashOf(part, stall);
    const resumed = before !== undefined && continues(response, before);
    if (before !== undefined && !resumed && [206, 416].includes(response.status)) {
      await discard(part);
      throw new Error(
        `unexpected status code ${response.status}: ${part} is of other content; the next try begins anew`,
      );
    }
    if (!response.ok || (response.status === 206 && !resumed))
      throw new Error(`unexpected status code ${response.status}`);
    const hash = resumed ? await hashOf(part, stall) : createHash("sha256");
    if (!resumed) await discard(part);
    const tag = strongTag(response);
    if (tag !== undefined) await writeFile(tagFile(part), tag);
    const offset = resumed ? before.bytes : 0;
    await receive(response, { part, offset, hash, onProgress: options.onProgress, stall });
    return hash;
  } catch (error) {
    options.signal.throwIfAborted();
    if (stall.signal.aborted) throw stall.signal.reason;
    throw withCause(error);
  } finally {
    stall.end();
  }
}

interface Receiving {
  readonly part: string;
  /** Bytes of the partial file. */
  readonly offset: number;
  readonly hash: Hash;
  readonly onProgress: DownloadOptions["onProgress"];
  readonly stall: Stall;
}

async function receive(
  response: Response,
  { part, offset, hash, onProgress, stall }: Receiving,
): Promise<void> {
  const length = lengthOf(response);
  const total = length === undefined ? undefined : offset + length;
  const file = await open(part, offset > 0 ? "a" : "w");
  let bytes = offset;
  try {
    for await (const chunk of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
      stall.moved();
      await file.writeFile(chunk);
      hash.update(chunk);
      bytes += chunk.length;
      onProgress({ bytes, total });
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (total !== undefined && bytes !== total)
    throw new Error(`the server promised ${total} bytes and sent ${bytes}`);
}

/** Hashes the partial file; the server's time limit does not run meanwhile. */
async function hashOf(file: string, stall: Stall): Promise<Hash> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    stall.moved();
    hash.update(chunk);
  }
  return hash;
}

/** Whether the partial file is complete: the server has no more bytes. */
function isWhole({ status, headers }: Response, { bytes }: Beginning): boolean {
  return status === 416 && headers.get("content-range") === `bytes */${bytes}`;
}

/** Whether a reply really continues the partial file; some servers claim 206 and send other bytes. */
function continues(response: Response, before: Beginning): boolean {
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
  const tag = strongTag(response);
  return (
    response.status === 206 &&
    Number(range?.[1]) === before.bytes &&
    (tag === undefined || tag === before.tag)
  );
}

/** The server's strong validator of the content; undefined if it has none. */
function strongTag({ headers }: Response): string | undefined {
  const tag = headers.get("etag");
  return tag === null || tag.startsWith("W/") || headers.has("content-encoding") ? undefined : tag;
}

/** The length of the body; unknown for a compressed transfer. */
function lengthOf(response: Response): number | undefined {
  const length = response.headers.get("content-length");
  return length === null || response.headers.has("content-encoding") ? undefined : Number(length);
}

/** The partial file of an earlier attempt, and its validator. */
interface Beginning {
  readonly bytes: number;
  readonly tag: string;
}

/** Undefined if the download cannot continue. */
async function beginning(part: string): Promise<Beginning | undefined> {
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

/** Adds the cause to the message: fetch itself only says "fetch failed". */
function withCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { cause } = error;
  return cause instanceof Error ? new Error(`${error.message}: ${cause.message}`, { cause: error }) : error;
}

/** Aborts when no byte has arrived for too long. */
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
