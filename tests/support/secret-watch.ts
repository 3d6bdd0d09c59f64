import { statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandLineWatch } from "./processes.ts";
import { leaksIn, leaksInFiles, type Secret } from "./secrets.ts";

export interface SecretWatchOptions {
  readonly stack: string;
  /** The file that the engine keeps the stack's state in. */
  readonly stateFile: () => string;
  /** Every secret of the stack as it is now. */
  readonly open: () => Promise<Secret[]>;
  /** What the stack writes files into. */
  readonly folders: readonly string[];
}

/** Remembers a stack's secrets, what its commands said and what command lines the host had, and finds the one in the others. */
export class SecretWatch {
  /** When the stack was first worked on, in milliseconds since 1970. */
  readonly since = Date.now();
  readonly #options: SecretWatchOptions;
  readonly #commandLines = new CommandLineWatch();
  readonly #said: string[] = [];
  readonly #secrets = new Map<string, Secret>();
  #learntOf: number | undefined;
  #learning: Promise<unknown> = Promise.resolve();

  constructor(options: SecretWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#commandLines.start();
  }

  stop(): void {
    this.#commandLines.stop();
  }

  /** Takes note of what a command said, and of the secrets that there are at its end. */
  async hear(output: string): Promise<void> {
    this.#said.push(output);
    await this.learn();
  }

  /** Takes note of secrets, which are new after an `up` and lost after a `down`. */
  async learn(): Promise<void> {
    // Opening a state takes a second or two: one that nobody has written since has nothing new.
    const written = statSync(this.#options.stateFile(), { throwIfNoEntry: false })?.mtimeMs;
    if (written !== undefined && written !== this.#learntOf) {
      this.#learntOf = written;
      this.#learning = Promise.all([this.#learning, this.#open()]);
    }
    await this.#learning;
  }

  /** Where secrets of the stack have shown so far. Fails when it could not have found any. */
  async leaks(): Promise<string[]> {
    await this.learn();
    const secrets = [...this.#secrets.values()];
    const watched = [...this.#commandLines.seen];
    if (secrets.length === 0) throw new Error("the stack had no secrets to look for");
    if (!watched.some((line) => line.includes("ansible-playbook")))
      throw new Error("no command line of Ansible was seen");
    const temporary = (await readdir(tmpdir()))
      .filter((name) => name.startsWith("ai-how-") || name.startsWith(this.#options.stack))
      .map((name) => join(tmpdir(), name));
    return [
      ...this.#said.flatMap((output, index) => leaksIn(`output of command ${index + 1}`, output, secrets)),
      ...watched.flatMap((line) => leaksIn(`command line ${line.slice(0, 80)}`, line, secrets)),
      ...leaksInFiles([...this.#options.folders, ...temporary], secrets, this.since),
    ];
  }

  async #open(): Promise<void> {
    // A state that a test has damaged holds nothing to learn.
    for (const secret of await this.#options.open().catch(() => []))
      this.#secrets.set(`${secret.name} ${secret.traces.join("")}`, secret);
  }
}
