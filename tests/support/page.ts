import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { repository } from "./project.ts";

/** A change of a file: lines that are there once, and what takes their place. */
interface Hunk {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

/** A page of the documentation that says which files to write and which to change. */
export class Page {
  readonly text: string;
  /** Files that it writes, by their paths. */
  readonly files: ReadonlyMap<string, string>;
  readonly hunks: readonly Hunk[];
  /** The lines that it shows of a terminal. */
  readonly console: readonly string[];

  private constructor(text: string) {
    this.text = text;
    const blocks = [...text.matchAll(/^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$/gms)].map(
      ([, language, title, body = ""]) => ({ language, title, body }),
    );
    const of = (wanted: string): string[] =>
      blocks.filter(({ language }) => language === wanted).map(({ body }) => body);
    this.files = new Map(blocks.flatMap(({ title, body }) => (title === undefined ? [] : [[title, body]])));
    this.hunks = of("diff").flatMap(hunksOf);
    this.console = of("console").flatMap((body) => body.split("\n"));
  }

  static async read(path: string): Promise<Page> {
    return new Page(await readFile(join(repository, path), "utf8"));
  }

  /** Every file that it writes or changes. */
  get touched(): readonly string[] {
    return [...new Set([...this.files.keys(), ...this.hunks.map(({ file }) => file)])];
  }

  /** Does in a checkout what it says. */
  async apply(root: string): Promise<void> {
    for (const [file, body] of this.files) await writeFile(join(root, file), body);
    for (const hunk of this.hunks) await change(root, hunk);
  }

  /** Takes it back. */
  async revert(root: string): Promise<void> {
    for (const file of this.files.keys()) await rm(join(root, file));
    for (const { file, before, after } of this.hunks)
      await change(root, { file, before: after, after: before });
  }
}

async function change(root: string, { file, before, after }: Hunk): Promise<void> {
  const text = await readFile(join(root, file), "utf8");
  expect(text.split(before), `${file} has the lines of the page once:\n${before}`).toHaveLength(2);
  await writeFile(
    join(root, file),
    text.replace(before, () => after),
  );
}

/** The hunks of a diff without line numbers. */
function hunksOf(diff: string): Hunk[] {
  const [head = "", ...parts] = diff.split(/^@@\n/m);
  const file = /^\+\+\+ b\/(.+)$/m.exec(head)?.[1] ?? "";
  return parts.map((part) => {
    const lines = part.replace(/\n$/, "").split("\n");
    // An empty line of the page is an empty line of the file.
    const side = (mark: string) =>
      lines
        .filter((line) => line === "" || line.startsWith(" ") || line.startsWith(mark))
        .map((line) => `${line.slice(1)}\n`)
        .join("");
    return { file, before: side("-"), after: side("+") };
  });
}
