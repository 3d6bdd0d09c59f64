import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { logPrefix } from "../logs/paths.ts";
import { openLog } from "./log-files.ts";
import { changed, lineStart, readLines } from "./log-lines.ts";
import { logLineSchema, type LogLine, type LogPiece } from "./view.ts";

/** Size of a piece of a log: as much as a person can read. */
const PIECE_BYTES = 512 * 1024;
const LAG_PIECES = 8;

/** Identifies the log of a step. */
export interface StepOf {
  readonly workflowId: string;
  readonly runId: string;
  readonly stepId: string;
}

/** A piece of a log, and the offset of the next one. */
export interface NextPiece extends LogPiece {
  readonly end: number;
  /** Whether the log was truncated: each attempt of a step does that. */
  readonly isFresh: boolean;
}

/** File name of a step's log with both streams. */
export function linesName({ workflowId, runId, stepId }: StepOf): string {
  return `${logPrefix({ workflowId, runId, stepId, stepName: "" })}_structured.jsonl`;
}

/** The lines before an offset of a log; undefined if there is no log. */
export async function linesBefore(
  directory: string,
  name: string,
  before: number,
): Promise<LogPiece | undefined> {
  const file = await openLog(directory, name);
  if (file === undefined) return undefined;
  try {
    const end = Math.min(before, (await file.stat()).size);
    const from = await lineStart(file, end - PIECE_BYTES);
    return { lines: await linesBetween(file, from, end), from };
  } finally {
    await file.close();
  }
}

/**
 * Follows a log from its end until the signal, or until the step has ended and all lines were sent.
 * @param from offset to continue at. Default: the last half megabyte
 */
export async function* followLines(
  directory: string,
  name: string,
  { from, isOver, signal }: { from: number | undefined; isOver: () => Promise<boolean>; signal: AbortSignal },
): AsyncGenerator<NextPiece> {
  let at = from;
  while (!signal.aborted) {
    // Checked before reading, so that all lines of an ended step are read.
    const isLast = await isOver();
    const file = await openLog(directory, name);
    if (file !== undefined) {
      try {
        const { size } = await file.stat();
        // A reader that is too slow continues at the end.
        if (at === undefined || at > size || size - at > LAG_PIECES * PIECE_BYTES) {
          at = await lineStart(file, size - PIECE_BYTES);
          yield { lines: [], from: at, end: at, isFresh: true };
        }
        for await (const { lines, end } of readLines(file, at, size)) {
          yield { lines: lines.flatMap(parsed), from: at, end, isFresh: false };
          at = end;
        }
      } finally {
        await file.close();
      }
    }
    if (isLast) return;
    await changed(join(directory, name), signal);
  }
}

async function linesBetween(file: FileHandle, from: number, to: number): Promise<LogLine[]> {
  const all: LogLine[] = [];
  for await (const { lines } of readLines(file, from, to)) all.push(...lines.flatMap(parsed));
  return all;
}

/** Parses a line of JSON; empty if it is invalid. */
function parsed(line: string): LogLine[] {
  if (line === "") return [];
  try {
    const entry = logLineSchema.safeParse(JSON.parse(line)).data;
    return entry === undefined ? [] : [entry];
  } catch {
    return [];
  }
}
