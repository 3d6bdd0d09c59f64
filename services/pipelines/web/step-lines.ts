import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { logPrefix } from "../logs/paths.ts";
import { openLog } from "./log-files.ts";
import { changed, lineStart, readLines } from "./log-lines.ts";
import { logLineSchema, type LogLine, type LogPiece } from "./view.ts";

/** How much of a log comes at a time: what a person can look through, and not a gigabyte. */
const PIECE_BYTES = 512 * 1024;
const LAG_PIECES = 8;

/** Which log: of a run's step. */
export interface StepOf {
  readonly workflowId: string;
  readonly runId: string;
  readonly stepId: string;
}

/** A piece that has come, and where the next begins. */
export interface NextPiece extends LogPiece {
  readonly end: number;
  /** Whether it begins anew: another try of the step empties its log. */
  readonly isFresh: boolean;
}

/** The name of a step's log of both streams. */
export function linesName({ workflowId, runId, stepId }: StepOf): string {
  return `${logPrefix({ workflowId, runId, stepId, stepName: "" })}_structured.jsonl`;
}

/** The lines before a place of a log; undefined where there is no log. */
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
 * The end of a log and what is added to it, until the signal, or until the step is over and all of it has come.
 * @param from where to go on; undefined: with the last half megabyte
 */
export async function* followLines(
  directory: string,
  name: string,
  { from, isOver, signal }: { from: number | undefined; isOver: () => Promise<boolean>; signal: AbortSignal },
): AsyncGenerator<NextPiece> {
  let at = from;
  while (!signal.aborted) {
    // Asked before reading: what was written until then is read.
    const isLast = await isOver();
    const file = await openLog(directory, name);
    if (file !== undefined) {
      try {
        const { size } = await file.stat();
        // Who cannot keep up goes on at the end, as a terminal that was left alone would show it.
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

/** A line of JSON; none where it is no such line. */
function parsed(line: string): LogLine[] {
  if (line === "") return [];
  try {
    const entry = logLineSchema.safeParse(JSON.parse(line)).data;
    return entry === undefined ? [] : [entry];
  } catch {
    return [];
  }
}
