import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isLogged, printed } from "./output-log.ts";
import { runFiles, type JobPlace } from "./place.ts";
import type { Run } from "./run.ts";
import { look, newestRun } from "./state.ts";
import { ensureSupervisor } from "./supervisor.ts";

const BLOCK_BYTES = 64 * 1024;
const POLL_MILLISECONDS = 50;
// How long a reader waits for the supervisor to copy all output.
const CATCH_UP_MILLISECONDS = 60_000;
const POLLS_BETWEEN_LOOKS = 20;
// Time between checks of the run.
const LOOK_MILLISECONDS = 5000;
const LINE_END = 0x0a;

/** The newest file of events of a job, of ai-how or zephyr_job; undefined if there is none. */
export function newestEvents(place: JobPlace): string | undefined {
  const run = newestRun(place);
  if (run !== undefined) return run.files.events;
  const folder = dirname(runFiles(place, "").events);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const name = names
    .filter(
      (each) =>
        each.startsWith(`${place.job}-`) && /^\d{8}-\d{6}\.jsonl$/.test(each.slice(place.job.length + 1)),
    )
    .sort()
    .at(-1);
  return name === undefined ? undefined : join(folder, name);
}

/** Waits until the log has all current output: the supervisor may be behind, or have been killed. */
export async function catchUp(run: Run): Promise<void> {
  const offset = printed(run);
  const end = Date.now() + CATCH_UP_MILLISECONDS;
  for (let polls = 0; run.outcome === undefined && !isLogged(run, offset) && Date.now() < end; polls++) {
    if (polls % POLLS_BETWEEN_LOOKS === 0) await ensureSupervisor(run);
    await sleep(POLL_MILLISECONDS);
  }
}

/** The last lines of a log, also from its rotated files, as bytes; `end` is the size of the newest file. */
export function lastLines(file: string, count: number): { text: Buffer; end: number } {
  const blocks: Buffer[] = [];
  let ends = 0;
  let size = 0;
  for (let number = 0; ends <= count; number++) {
    const path = number === 0 ? file : `${file}.${number}`;
    if (!existsSync(path)) {
      if (number === 0) continue;
      break;
    }
    const handle = openSync(path, "r");
    try {
      const whole = fstatSync(handle).size;
      if (number === 0) size = whole;
      for (let end = whole; end > 0 && ends <= count;) {
        const block = Buffer.alloc(Math.min(BLOCK_BYTES, end));
        end -= block.length;
        readSync(handle, block, 0, block.length, end);
        blocks.unshift(block);
        for (const byte of block) if (byte === LINE_END) ends += 1;
      }
    } finally {
      closeSync(handle);
    }
  }
  return { text: lastOf(Buffer.concat(blocks), count), end: size };
}

function lastOf(text: Buffer, count: number): Buffer {
  // The last byte ends the last line and begins none.
  let start = text.length;
  for (let left = count; left > 0 && start > 0; left--)
    start = start < 2 ? 0 : text.lastIndexOf(LINE_END, start - 2) + 1;
  return text.subarray(start);
}

/** The bytes that are added to a file of a run after an offset, until the run ends. Follows rotation. */
export async function* follow(run: Run, file: string, offset: number): AsyncGenerator<Buffer> {
  let handle: number | undefined;
  let at = offset;
  let lookedAt = Date.now();
  try {
    for (;;) {
      const isOver = run.outcome !== undefined;
      if (handle === undefined && existsSync(file)) handle = openSync(file, "r");
      if (handle !== undefined) {
        const inode = statSync(file, { throwIfNoEntry: false })?.ino;
        for (let block = read(handle, at); block.length > 0; block = read(handle, at)) {
          at += block.length;
          yield block;
        }
        if (inode !== undefined && inode !== fstatSync(handle).ino) {
          closeSync(handle);
          [handle, at] = [undefined, 0];
          continue;
        }
      }
      if (isOver) return;
      if (Date.now() - lookedAt > LOOK_MILLISECONDS) {
        lookedAt = Date.now();
        await look(run).catch(() => undefined);
      }
      await sleep(POLL_MILLISECONDS);
    }
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function read(handle: number, at: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  return block.subarray(0, readSync(handle, block, 0, block.length, at));
}
