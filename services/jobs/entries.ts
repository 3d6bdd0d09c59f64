/** A piece of a container's log with the engine's time of it. */
export interface LogEntry {
  readonly stamp: string;
  /** A line with its end; or a part of a long one, or the last one, without. */
  readonly content: Buffer;
}

// `2026-11-25T10:15:00.123456789Z `, or with an offset.
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) /;
const LONGEST_STAMP = 36;
// Docker hands a longer line on in pieces of this size, each with the time of the first before it.
const PIECE_BYTES = 16_384;
const LINE_END = 0x0a;

/** Takes the output of `logs --timestamps` apart, whatever the bytes between the times are. */
export class EntrySplitter {
  #rest: Buffer = Buffer.alloc(0);
  #stamp: string | undefined;
  /** Whether the beginning of the rest is content already, not a time. */
  #isInside = false;

  /** The entries that are whole now. */
  push(chunk: Buffer): LogEntry[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const entries: LogEntry[] = [];
    while (rest.length > 0) {
      if (!this.#isInside) {
        const found = STAMP.exec(rest.toString("latin1", 0, LONGEST_STAMP));
        if (found === null && rest.length < LONGEST_STAMP && !rest.includes(LINE_END)) break;
        if (found !== null) {
          this.#stamp = found[1];
          rest = rest.subarray(found[0].length);
        }
        this.#isInside = true;
        continue;
      }
      const end = rest.subarray(0, PIECE_BYTES).indexOf(LINE_END);
      if (end === -1 && rest.length < PIECE_BYTES) break;
      const length = end === -1 ? PIECE_BYTES : end + 1;
      entries.push(this.#entry(rest.subarray(0, length)));
      rest = rest.subarray(length);
    }
    this.#rest = rest;
    return entries;
  }

  /** What is left when the engine has said everything: a last line without an end. */
  end(): LogEntry[] {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return this.#isInside && rest.length > 0 ? [this.#entry(rest)] : [];
  }

  #entry(content: Buffer): LogEntry {
    this.#isInside = false;
    return { stamp: this.#stamp ?? "", content };
  }
}
