import { createWriteStream, type WriteStream } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { LogPaths } from "../result.ts";
import { EVENTS_FILE, logDirectory, logPrefix, type LogOwner } from "./paths.ts";

export type StreamName = "stdout" | "stderr";

// A line without an end must not grow in memory for ever.
const LONGEST_LINE = 64 * 1024;

/** The beginning of a stream, for results. */
export interface Head {
  readonly text: string;
  readonly isCut: boolean;
}

/**
 * The logs of one try of a step: both streams whole, the same as JSON lines, and an entry in the folder's list of events.
 * Another try begins them anew. Writing waits for the disk, so that a step that prints fast is slowed down, not kept in memory.
 */
export class StepLog {
  readonly paths: LogPaths;
  readonly #owner: LogOwner;
  readonly #directory: string;
  readonly #files: Readonly<Record<StreamName, WriteStream>>;
  readonly #structured: WriteStream;
  readonly #headBytes: number;
  #failure: Error | undefined;

  constructor(owner: LogOwner, wantedDirectory: string | undefined, headBytes: number) {
    this.#owner = owner;
    this.#headBytes = headBytes;
    this.#directory = logDirectory(wantedDirectory);
    const prefix = join(this.#directory, logPrefix(owner));
    this.paths = {
      stdoutPath: `${prefix}_stdout.log`,
      stderrPath: `${prefix}_stderr.log`,
      structuredPath: `${prefix}_structured.jsonl`,
    };
    const open = (path: string): WriteStream => {
      const file = createWriteStream(path);
      file.on("error", (error) => (this.#failure ??= error));
      return file;
    };
    this.#files = { stdout: open(this.paths.stdoutPath), stderr: open(this.paths.stderrPath) };
    this.#structured = open(this.paths.structuredPath);
  }

  /** Why nothing can be written any more, a full disk for example. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Copies a stream until it ends, hiding these texts; returns its beginning. */
  async copy(name: StreamName, from: Readable, secrets: readonly string[] = []): Promise<Head> {
    const decoder = new StringDecoder("utf8");
    let head = "";
    let isCut = false;
    let line = "";
    for await (const chunk of from as AsyncIterable<Buffer>) {
      const text = hide(decoder.write(chunk), secrets);
      await this.#write(this.#files[name], secrets.length === 0 ? chunk : text);
      if (head.length < this.#headBytes) head += text.slice(0, this.#headBytes - head.length);
      isCut ||= head.length >= this.#headBytes && text.length > 0;
      const lines = (line + text).split("\n");
      line = lines.pop() ?? "";
      if (lines.length > 0)
        await this.#write(this.#structured, lines.map((each) => this.#entry(name, each, false)).join(""));
      if (line.length > LONGEST_LINE) {
        await this.#write(this.#structured, this.#entry(name, line, true));
        line = "";
      }
    }
    const rest = line + decoder.end();
    if (rest !== "") await this.#write(this.#structured, this.#entry(name, rest, true));
    return { text: head, isCut };
  }

  /** A line of ours on a stream. */
  async say(name: StreamName, line: string): Promise<void> {
    await this.#write(this.#files[name], `${line}\n`);
    await this.#write(this.#structured, this.#entry(name, line, false));
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
    await appendFile(join(this.#directory, EVENTS_FILE), `${JSON.stringify(entry)}\n`);
  }

  async close(): Promise<void> {
    await Promise.all(
      [...Object.values(this.#files), this.#structured].map(
        (file) =>
          new Promise<void>((resolve) => {
            if (file.destroyed) resolve();
            else file.end(resolve);
          }),
      ),
    );
  }

  #entry(stream: StreamName, message: string, partial: boolean): string {
    const { workflowId, runId, stepId, stepName } = this.#owner;
    const timestamp = new Date().toISOString();
    return `${JSON.stringify({ timestamp, workflowId, runId, stepId, stepName, stream, message, partial })}\n`;
  }

  async #write(file: WriteStream, content: string | Buffer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (file.write(content)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        file.off("drain", settle).off("error", settle).off("close", settle);
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
      file.on("drain", settle).on("error", settle).on("close", settle);
    });
  }
}

function hide(text: string, secrets: readonly string[]): string {
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, "[secret]"), text);
}
