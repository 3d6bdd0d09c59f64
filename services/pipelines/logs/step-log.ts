import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { LogPaths } from "../result.ts";
import { BoundedFile, limitNotice, Tail } from "./bounded-file.ts";
import { EVENTS_FILE, logDirectory, logPrefix, type LogOwner } from "./paths.ts";
import { Redactor } from "./redactor.ts";
import { StructuredLog, type StreamName } from "./structured-log.ts";

const TAIL_BYTES = 64 * 1024;
const RECENT_LENGTH = 500;

/** Limits of a step's output. */
export interface LogLimits {
  /** Largest number of characters of each stream in a result. */
  readonly head: number;
  /** Size of each file in bytes; of later output only the end is kept. */
  readonly file: number;
}

/** The beginning of a stream, for results. */
export interface Head {
  readonly text: string;
  readonly isCut: boolean;
}

/**
 * The logs of one attempt of a step: both streams, the same as JSON lines, and the folder's events. Each attempt truncates
 * them. Writing waits for the disk, so that a step that prints fast slows down and does not fill the memory. A full disk
 * does not stop the step, but sets `failure`.
 */
export class StepLog {
  readonly paths: LogPaths;
  readonly #owner: LogOwner;
  readonly #directory: string;
  readonly #limits: LogLimits;
  readonly #files: Readonly<Record<StreamName | "structured", BoundedFile>>;
  readonly #structured: StructuredLog;
  #recent = "";
  #eventFailure: Error | undefined;

  constructor(owner: LogOwner, wantedDirectory: string | undefined, limits: LogLimits) {
    this.#owner = owner;
    this.#limits = limits;
    this.#directory = logDirectory(wantedDirectory);
    const prefix = join(this.#directory, logPrefix(owner));
    this.paths = {
      stdoutPath: `${prefix}_stdout.log`,
      stderrPath: `${prefix}_stderr.log`,
      structuredPath: `${prefix}_structured.jsonl`,
    };
    this.#files = {
      stdout: new BoundedFile(this.paths.stdoutPath, limits.file),
      stderr: new BoundedFile(this.paths.stderrPath, limits.file),
      structured: new BoundedFile(this.paths.structuredPath, limits.file),
    };
    this.#structured = new StructuredLog(this.#files.structured, owner);
  }

  /** Why the log is incomplete, for example a full disk; undefined if it is complete. */
  get failure(): Error | undefined {
    const { stdout, stderr, structured } = this.#files;
    return structured.failure ?? stdout.failure ?? stderr.failure ?? this.#eventFailure;
  }

  /** The last printed line. */
  get lastLine(): string {
    const lines = this.#recent.split(/[\r\n]+/).map((line) => line.trim());
    return lines.findLast((line) => line !== "") ?? "";
  }

  /** Copies a stream until it ends, without these secrets; returns its beginning. */
  async copy(name: StreamName, from: Readable, secrets: readonly string[] = []): Promise<Head> {
    const decoder = new StringDecoder("utf8");
    const redactor = new Redactor(secrets);
    const file = this.#files[name];
    let tail: Tail<string | Buffer> | undefined;
    let head = "";
    let length = 0;
    const take = async (text: string, content: string | Buffer): Promise<void> => {
      if (tail === undefined) await file.append(content);
      else tail.push(content, content.length);
      if (tail === undefined && file.isFull) {
        tail = new Tail(TAIL_BYTES);
        await file.append(`\n${limitNotice(file)}\n`);
      }
      length += text.length;
      if (head.length < this.#limits.head) head += text.slice(0, this.#limits.head - head.length);
      this.#recent = (this.#recent + text).slice(-RECENT_LENGTH);
      await this.#structured.add(name, text);
    };
    for await (const chunk of from as AsyncIterable<Buffer>) {
      const text = redactor.push(decoder.write(chunk));
      await take(text, secrets.length === 0 ? chunk : text);
    }
    const rest = redactor.push(decoder.end()) + redactor.end();
    if (rest !== "") await take(rest, secrets.length === 0 ? "" : rest);
    await this.#structured.end(name);
    for (const content of tail?.pieces ?? []) await file.append(content);
    return { text: head, isCut: length > head.length };
  }

  /** Adds a line of ai-how's to a stream. */
  async say(name: StreamName, line: string): Promise<void> {
    await this.#files[name].append(`${line}\n`);
    await this.#structured.add(name, `${line}\n`);
  }

  async event(
    status: "step_started" | "step_finished",
    { exitCode = 0, durationSec = 0, message = "" },
  ): Promise<void> {
    const isOver = status === "step_finished";
    const { workflowId, runId, stepId, stepName } = this.#owner;
    const entry = {
      timestamp: new Date().toISOString(),
      ...{ workflowId, runId, stepId, stepName, status, exitCode, durationSec },
      stdoutPath: isOver ? this.paths.stdoutPath : "",
      stderrPath: isOver ? this.paths.stderrPath : "",
      structuredPath: this.paths.structuredPath,
      message,
    };
    try {
      await appendLine(join(this.#directory, EVENTS_FILE), JSON.stringify(entry));
    } catch (error) {
      this.#eventFailure ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#files.stdout.close(), this.#files.stderr.close(), this.#structured.close()]);
  }
}

/** Appends a line, also after one that a full disk has cut off. */
async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, "a+");
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    await file.appendFile(size > 0 && last.toString() !== "\n" ? `\n${line}\n` : `${line}\n`);
  } finally {
    await file.close();
  }
}
