import { isObject, isSecret, reveal, type Value, type Values } from "../../wire/values.ts";

// Shorter strings would match by chance. Words of a long text have to be longer still.
const SHORTEST = 6;
const SHORTEST_WORD = 20;
// An endpoint is secret because of its key. Its address is in plain outputs and in what commands print.
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Replaces secrets in messages and logs, as Pulumi's own engine does. */
export class Redaction {
  readonly #secrets = new Set<string>();
  readonly #names = new Set<string>();

  /** Remembers every secret in these values. */
  learn(...all: Values[]): void {
    for (const values of all) this.#collect(values);
  }

  /** Never hides this resource name, which an endpoint may contain beside a key. */
  allow(name: string): void {
    this.#names.add(name);
  }

  apply(text: string): string {
    let result = text;
    for (const known of this.#secrets)
      if (!this.#names.has(known)) result = result.replaceAll(known, "[secret]");
    return result;
  }

  #collect(value: Value, inSecret = false): void {
    if (isSecret(value)) this.#collect(reveal(value), true);
    else if (Array.isArray(value)) for (const item of value) this.#collect(item, inSecret);
    else if (isObject(value)) for (const item of Object.values(value)) this.#collect(item, inSecret);
    else if (inSecret && typeof value === "string") this.#remember(value.trim());
  }

  #remember(text: string): void {
    // Programs log a key of many lines line by line, so its long words are secrets. Short words are not: the output of a
    // command with a secret is such a text, too, and would hide the same words in the next run.
    const parts = text.includes("\n") ? text.split(/\s+/) : [text];
    const shortest = parts.length > 1 ? SHORTEST_WORD : SHORTEST;
    for (const part of parts) if (part.length >= shortest && !ADDRESS.test(part)) this.#secrets.add(part);
  }
}
