/** Hides secrets in a stream, also if one arrives in two pieces. */
export class Redactor {
  readonly #secrets: readonly string[];
  /** The end of the text so far that could be the beginning of a secret. */
  #held = "";

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets.filter((secret) => secret !== "");
  }

  /** The text that can be shown so far. */
  push(text: string): string {
    if (this.#secrets.length === 0) return text;
    const shown = this.#hide(this.#held + text);
    const kept = Math.max(...this.#secrets.map((secret) => overlap(shown, secret)));
    this.#held = shown.slice(shown.length - kept);
    return shown.slice(0, shown.length - kept);
  }

  /** The kept rest, at the end of the stream. */
  end(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }

  #hide(text: string): string {
    return this.#secrets.reduce((shown, secret) => shown.replaceAll(secret, "[secret]"), text);
  }
}

/** The number of characters at the end of a text that are the beginning of a secret. */
function overlap(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length--)
    if (text.endsWith(secret.slice(0, length))) return length;
  return 0;
}
