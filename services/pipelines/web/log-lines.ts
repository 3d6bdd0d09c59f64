import { watch } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const BLOCK = 256 * 1024;
// A longer line is cut, so that it does not fill the memory.
const LONGEST_LINE = 4 * 1024 * 1024;
// Network file systems do not report changes.
const POLL_MILLISECONDS = 500;

/** Complete lines of a file, and the offset of the next one. */
export interface Lines {
  readonly lines: readonly string[];
  readonly end: number;
}

/** The complete lines between two offsets of a file, in pieces; without an incomplete last line. */
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

/** The start of the first line after an offset. */
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
    // The file is missing, or the system has no more watches. Polling is enough.
  }
  await sleep(POLL_MILLISECONDS, undefined, { signal: either }).catch(() => undefined);
  over.abort();
}
