import { isObject, isSecret, reveal, type Value, type Values } from "../../wire/values.ts";

// Anything shorter would be found by chance everywhere; a word of a long text says something only if it is long.
const SHORTEST = 6;
const SHORTEST_WORD = 20;
// An endpoint is secret for its key; its address stands in plain outputs and in what commands say.
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Replaces secrets in text that a person or a log will see, as Pulumi's own engine does. */
export class Redaction {
  readonly #secrets = new Set<string>();
  readonly #names = new Set<string>();

  /** Remembers every secret in these values. */
  learn(...all: Values[]): void {
    for (const values of all) this.#collect(values);
  }

  /** Remembers that this is said openly: a resource's name, which stands in an endpoint beside a key, too. */
  leave(name: string): void {
    this.#names.add(name);
  }

  apply(text: string): string {
    let result = text;
    for (const known of this.#secrets)
      if (!this.#names.has(known)) result = result.replaceAll(known, "[secret]");
    return result;
  }

  #collect(value: Value): void {
    if (isSecret(value)) this.#remember(reveal(value));
    else if (Array.isArray(value)) for (const item of value) this.#collect(item);
    else if (isObject(value)) for (const item of Object.values(value)) this.#collect(item);
  }

  #remember(value: Value): void {
    if (typeof value === "string") {
      // A key of many lines is logged a line at a time, and its lines are long words. Sentences of a long text, such as
      // what a command with a secret said the last time, would hide the same sentences of the next run.
      const text = value.trim();
      const parts = text.includes("\n") ? text.split(/\s+/) : [text];
      const shortest = parts.length > 1 ? SHORTEST_WORD : SHORTEST;
      for (const part of parts) if (part.length >= shortest && !ADDRESS.test(part)) this.#secrets.add(part);
    } else if (Array.isArray(value)) {
      for (const item of value) this.#remember(item);
    } else if (isObject(value)) {
      for (const item of Object.values(value)) this.#remember(item);
    }
  }
}
