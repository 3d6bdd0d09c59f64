import { watch } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const BLOCK = 256 * 1024;
// A file without an end of line must not grow in memory for ever.
const LONGEST_LINE = 4 * 1024 * 1024;
// Network file systems tell of no changes.
const POLL_MILLISECONDS = 500;

/** Whole lines of a file, and where the next one begins. */
export interface Lines {
  readonly lines: readonly string[];
  readonly end: number;
}

/** The whole lines between two places of a file, in pieces; a line that has no end yet is left for later. */
export async function* readLines(file: FileHandle, from: number, to: number): AsyncGenerator<Lines> {
  const buffer = Buffer.alloc(BLOCK);
  let rest = Buffer.alloc(0);
  for (let at = from; at < to;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(BLOCK, to - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    const read = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const last = read.lastIndexOf("\n");
    if (last === -1 && read.length < LONGEST_LINE) {
      rest = read;
      continue;
    }
    const end = last === -1 ? read.length : last + 1;
    rest = read.subarray(end);
    const lines = read.toString("utf8", 0, last === -1 ? end : last).split("\n");
    yield { lines, end: at - rest.length };
  }
}

/** Where the first line after a place begins. */
export async function lineStart(file: FileHandle, from: number): Promise<number> {
  const buffer = Buffer.alloc(BLOCK);
  if (from <= 0) return 0;
  for (let at = from - 1; ;) {
    const { bytesRead } = await file.read(buffer, 0, BLOCK, at);
    if (bytesRead === 0) return at;
    const found = buffer.subarray(0, bytesRead).indexOf("\n");
    if (found !== -1) return at + found + 1;
    at += bytesRead;
  }
}

/** Resolves when a file may have changed, at the latest after half a second. */
export async function changed(path: string, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  try {
    const watcher = watch(path, { signal: either }, () => {
      over.abort();
    });
    watcher.on("error", () => {
      over.abort();
    });
  } catch {
    // The file is gone, or there is nothing left to watch with: looking again later is enough.
  }
  await sleep(POLL_MILLISECONDS, undefined, { signal: either }).catch(() => undefined);
  over.abort();
}
