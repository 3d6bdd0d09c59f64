import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { sync as writeFileAtomic } from "write-file-atomic";
import { z } from "zod";
import type { LogEntry } from "./entries.ts";
import { readJson, type Run } from "./run.ts";

const cursorSchema = z.object({
  /** The engine's time of the last entry that is in the log; entries before it are, too. */
  stamp: z.string().optional(),
  /** How many entries of just that time are in it. */
  count: z.int(),
  /** Bytes of the current file up to there. */
  size: z.int(),
  /** When all that the engine had was last seen to be in it. */
  wholeAt: z.iso.datetime().optional(),
});
export type LogCursor = z.output<typeof cursorSchema>;

const SAVE_MILLISECONDS = 100;
const LINE_END = 0x0a;

export function readCursor(run: Run): LogCursor | undefined {
  return readJson(join(run.files.record, "cursor.json"), cursorSchema);
}

/**
 * A job's output on the disk, in files of a size. What is on record is the engine's time of the last entry and the size
 * with it: whoever goes on after a crash cuts off what was written since, and asks the engine for the rest, so that nothing
 * is missing and nothing is there twice.
 */
export class OutputLog {
  readonly #run: Run;
  #cursor: LogCursor;
  #file: number;
  #savedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Entries of the cursor's time that the engine will say again. */
  #known = 0;

  constructor(run: Run) {
    this.#run = run;
    mkdirSync(dirname(run.files.log), { recursive: true });
    this.#cursor = readCursor(run) ?? { count: 0, size: 0 };
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size;
    const full = statSync(`${this.#path}.1`, { throwIfNoEntry: false })?.size ?? 0;
    if ((size ?? 0) < this.#cursor.size && full >= this.#cursor.size) {
      // Another file was begun, and that is not on record.
      truncateSync(`${this.#path}.1`, this.#cursor.size);
      this.#cursor = { ...this.#cursor, size: 0 };
    }
    this.#file = openSync(this.#path, "a", 0o644);
    ftruncateSync(this.#file, Math.min(this.#cursor.size, size ?? 0));
  }

  get #path(): string {
    return this.#run.files.log;
  }

  /** From when on the engine has to say its log again; undefined: from the beginning. */
  resume(): string | undefined {
    this.#known = this.#cursor.count;
    return this.#cursor.stamp;
  }

  append(entries: readonly LogEntry[]): void {
    const fresh = entries.filter((entry) => !this.#isKnown(entry));
    let pending: Buffer[] = [];
    for (const { stamp, content } of fresh) {
      pending.push(content);
      const isSame = stamp === this.#cursor.stamp;
      this.#cursor = {
        ...this.#cursor,
        stamp,
        count: isSame ? this.#cursor.count + 1 : 1,
        size: this.#cursor.size + content.length,
      };
      if (this.#cursor.size >= this.#run.record.logBytes && content.at(-1) === LINE_END) {
        this.#write(pending);
        pending = [];
        this.#rotate();
      }
    }
    this.#write(pending);
    if (fresh.length > 0) this.#saveSoon();
  }

  /** All that the engine had at this time is in it. */
  isWhole(at: Date): void {
    this.#cursor = { ...this.#cursor, wholeAt: at.toISOString() };
    this.#save();
  }

  close(): void {
    this.#save();
    closeSync(this.#file);
  }

  #isKnown({ stamp }: LogEntry): boolean {
    if (this.#known === 0) return false;
    if (stamp === this.#cursor.stamp) {
      this.#known -= 1;
      return true;
    }
    this.#known = 0;
    return false;
  }

  #write(parts: readonly Buffer[]): void {
    let rest = Buffer.concat(parts);
    while (rest.length > 0) rest = rest.subarray(writeSync(this.#file, rest));
  }

  #rotate(): void {
    this.#save();
    closeSync(this.#file);
    const { logKeep } = this.#run.record;
    rmSync(`${this.#path}.${logKeep}`, { force: true });
    for (let number = logKeep - 1; number >= 0; number--) {
      const from = number === 0 ? this.#path : `${this.#path}.${number}`;
      if (statSync(from, { throwIfNoEntry: false }) !== undefined)
        renameSync(from, `${this.#path}.${number + 1}`);
    }
    this.#file = openSync(this.#path, "a", 0o644);
    this.#cursor = { ...this.#cursor, size: 0 };
    this.#save();
  }

  #saveSoon(): void {
    if (Date.now() - this.#savedAt >= SAVE_MILLISECONDS) this.#save();
    else
      this.#timer ??= setTimeout(() => {
        this.#save();
      }, SAVE_MILLISECONDS);
  }

  #save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#savedAt = Date.now();
    writeFileAtomic(join(this.#run.files.record, "cursor.json"), JSON.stringify(this.#cursor), {
      fsync: false,
    });
  }
}
