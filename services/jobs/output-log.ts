import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { sync as writeFileAtomic } from "write-file-atomic";
import { z } from "zod";
import { readJson, type Run } from "./run.ts";

const cursorSchema = z.object({
  /** Bytes of the job's output that the log contains. */
  offset: z.int(),
  /** Bytes of the current log file at that point. */
  size: z.int(),
});

const BLOCK_BYTES = 1024 * 1024;
const SAVE_MILLISECONDS = 100;
// The spool's disk space is freed whenever the log has this much more.
const FREE_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 4096;
const LINE_END = 0x0a;

/** Whether the log contains the job's output up to this byte. */
export function isLogged(run: Run, offset: number): boolean {
  return (readJson(cursorFile(run), cursorSchema)?.offset ?? 0) >= offset;
}

/** All bytes that a job has printed. */
export function printed(run: Run): number {
  return statSync(run.files.spool, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Copies the job's output from the spool, which the job writes, to log files of limited size. A cursor file has the position
 * of the last complete copy. After a crash the log is cut off there and copying continues: no byte is lost or copied twice.
 */
export class OutputLog {
  readonly #run: Run;
  readonly #spool: number;
  #log: number;
  #offset: number;
  #size: number;
  #freed = 0;
  #savedAt = 0;
  #isSaved = true;

  constructor(run: Run) {
    this.#run = run;
    const { log, spool } = run.files;
    mkdirSync(dirname(log), { recursive: true });
    const { offset, size } = readJson(cursorFile(run), cursorSchema) ?? { offset: 0, size: 0 };
    const found = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
    const before = statSync(`${log}.1`, { throwIfNoEntry: false })?.size ?? 0;
    this.#offset = offset;
    this.#size = Math.min(size, found);
    if (found < size && before >= size) {
      // A crash came after the rotation and before the cursor was saved.
      truncateSync(`${log}.1`, size);
      this.#size = 0;
    }
    this.#spool = openSync(spool, "a+");
    this.#log = openSync(log, "a", 0o644);
    ftruncateSync(this.#log, this.#size);
  }

  /** Copies all new output. */
  copy(): void {
    const { logBytes } = this.#run.record;
    const block = Buffer.alloc(Math.min(BLOCK_BYTES, logBytes));
    for (;;) {
      const length = readSync(this.#spool, block, 0, block.length, this.#offset);
      if (length === 0) break;
      const bytes = block.subarray(0, length);
      // Rotates at the end of a line, if there is one.
      const end = bytes.lastIndexOf(LINE_END) + 1;
      const isFull = this.#size + length >= logBytes;
      if (isFull && (end > 0 || this.#size > logBytes)) {
        this.#write(bytes.subarray(0, end));
        this.#rotate();
        this.#write(bytes.subarray(end));
      } else this.#write(bytes);
      if (Date.now() - this.#savedAt >= SAVE_MILLISECONDS) this.#save();
      if (this.#offset - this.#freed >= FREE_BYTES) this.#free();
    }
    if (!this.#isSaved && Date.now() - this.#savedAt >= SAVE_MILLISECONDS) this.#save();
  }

  close(): void {
    this.#save();
    closeSync(this.#log);
    closeSync(this.#spool);
  }

  #write(bytes: Buffer): void {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(writeSync(this.#log, rest));
    this.#offset += bytes.length;
    this.#size += bytes.length;
    this.#isSaved = false;
  }

  #rotate(): void {
    this.#save();
    closeSync(this.#log);
    const { log } = this.#run.files;
    const { logKeep } = this.#run.record;
    if (logKeep === 0) rmSync(log, { force: true });
    for (let number = logKeep; number > 0; number--) {
      const from = number === 1 ? log : `${log}.${number - 1}`;
      if (existsSync(from)) renameSync(from, `${log}.${number}`);
    }
    this.#log = openSync(log, "a", 0o644);
    this.#size = 0;
    this.#save();
  }

  #save(): void {
    this.#savedAt = Date.now();
    this.#isSaved = true;
    const cursor = JSON.stringify({ offset: this.#offset, size: this.#size });
    writeFileAtomic(cursorFile(this.#run), cursor, { fsync: false });
  }

  /** Frees the spool's disk space for what the log contains. If the file system cannot, the space is used until the job ends. */
  #free(): void {
    fdatasyncSync(this.#log);
    this.#save();
    this.#freed = Math.min(this.#offset, fstatSync(this.#spool).size);
    const length = this.#freed - (this.#freed % PAGE_BYTES);
    try {
      execFileSync(
        "fallocate",
        ["--punch-hole", "--offset", "0", "--length", String(length), this.#run.files.spool],
        { stdio: "ignore" },
      );
    } catch {
      this.#freed = Number.POSITIVE_INFINITY;
    }
  }
}

function cursorFile(run: Run): string {
  return join(run.files.record, "cursor.json");
}
