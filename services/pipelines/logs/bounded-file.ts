import { open, type FileHandle } from "node:fs/promises";

// Largest single write, so that other writers' lines do not end up inside.
const WRITE_BYTES = 256 * 1024;

/** A truncated file. If a write fails, for example on a full disk, it drops the data and does not throw. */
export class BoundedFile {
  readonly path: string;
  /** Size in bytes at which it counts as full. */
  readonly limit: number;
  readonly #opening: Promise<FileHandle | undefined>;
  #size = 0;
  #last: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  constructor(path: string, limit: number) {
    this.path = path;
    this.limit = limit;
    this.#opening = open(path, "w").catch((error: unknown) => {
      this.#failed(error);
      return undefined;
    });
  }

  /** The first failed write; undefined if there is none. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  get isFull(): boolean {
    return this.#size >= this.limit;
  }

  /** Appends the data, even to a full file; resolves when it is written. */
  append(content: string | Buffer): Promise<void> {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    this.#size += bytes.length;
    this.#last = this.#last.then(() => this.#write(bytes));
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#last;
    const file = await this.#opening;
    try {
      await file?.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #write(bytes: Buffer): Promise<void> {
    const file = await this.#opening;
    try {
      for (let at = 0; at < bytes.length && this.#failure === undefined; at += WRITE_BYTES)
        await file?.appendFile(bytes.subarray(at, at + WRITE_BYTES));
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }
}

/** The line that a full log contains. */
export function limitNotice({ limit }: BoundedFile): string {
  return `[the log has reached its limit of ${Math.round(limit / 1024 / 1024)} MiB: from here on only its end is kept]`;
}

/** Keeps the last pieces after a file is full. */
export class Tail<Piece> {
  readonly #limit: number;
  readonly #pieces: { readonly piece: Piece; readonly size: number }[] = [];
  #size = 0;

  /** @param limit how much it keeps at least, in the unit of the pieces' sizes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(piece: Piece, size: number): void {
    this.#pieces.push({ piece, size });
    this.#size += size;
    for (let first = this.#pieces[0]; first !== undefined; first = this.#pieces[0]) {
      if (this.#size - first.size < this.#limit) return;
      this.#pieces.shift();
      this.#size -= first.size;
    }
  }

  get pieces(): readonly Piece[] {
    return this.#pieces.map(({ piece }) => piece);
  }
}
