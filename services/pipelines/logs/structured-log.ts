import { limitNotice, Tail, type BoundedFile } from "./bounded-file.ts";
import type { LogOwner } from "./paths.ts";

export type StreamName = "stdout" | "stderr";

// A longer line is written in parts, so that it does not fill the memory.
const LONGEST_LINE = 64 * 1024;
// Short lines grow much as JSON, so they are written in small batches.
const BATCH_LENGTH = 128 * 1024;
const TAIL_LENGTH = 64 * 1024;

interface Piece {
  readonly timestamp: string;
  readonly stream: StreamName;
  readonly text: string;
}

/** Both streams of a step as JSON lines, in order of arrival. */
export class StructuredLog {
  readonly #owner: LogOwner;
  readonly #file: BoundedFile;
  readonly #rest: Record<StreamName, string> = { stdout: "", stderr: "" };
  /** Output after the file was full. */
  #tail: Tail<Piece> | undefined;

  constructor(file: BoundedFile, owner: LogOwner) {
    this.#file = file;
    this.#owner = owner;
  }

  /** Adds text of a stream; an incomplete line waits for its rest. */
  async add(stream: StreamName, text: string): Promise<void> {
    const timestamp = new Date().toISOString();
    if (this.#tail !== undefined) {
      this.#tail.push({ timestamp, stream, text }, text.length);
      return;
    }
    const lines = (this.#rest[stream] + text).split("\n");
    this.#rest[stream] = lines.pop() ?? "";
    await this.#write(lines.map((line) => ({ timestamp, stream, text: line })));
    if (this.#rest[stream].length > LONGEST_LINE) await this.end(stream);
    if (this.#file.isFull) await this.#beginTail();
  }

  /** Ends a stream and writes an incomplete last line. */
  async end(stream: StreamName): Promise<void> {
    const text = this.#rest[stream];
    this.#rest[stream] = "";
    if (text !== "") await this.#write([{ timestamp: new Date().toISOString(), stream, text }], true);
  }

  async close(): Promise<void> {
    for (const { text, ...piece } of this.#tail?.pieces ?? []) {
      const lines = text.split("\n").filter((line) => line !== "");
      await this.#write(lines.map((line) => ({ ...piece, text: line })));
    }
    await this.#file.close();
  }

  async #beginTail(): Promise<void> {
    this.#tail = new Tail(TAIL_LENGTH);
    await this.end("stdout");
    await this.end("stderr");
    const timestamp = new Date().toISOString();
    await this.#write([{ timestamp, stream: "stderr", text: limitNotice(this.#file) }]);
  }

  async #write(pieces: readonly Piece[], partial = false): Promise<void> {
    const { workflowId, runId, stepId, stepName } = this.#owner;
    let batch = "";
    for (const { timestamp, stream, text: message } of pieces) {
      batch += `${JSON.stringify({ timestamp, workflowId, runId, stepId, stepName, stream, message, partial })}\n`;
      if (batch.length < BATCH_LENGTH) continue;
      await this.#file.append(batch);
      batch = "";
    }
    if (batch !== "") await this.#file.append(batch);
  }
}
