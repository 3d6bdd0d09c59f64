import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../../support/project.ts";

/** A page that people read. */
export interface Page {
  readonly name: string;
  readonly text: string;
}

/** README.md and everything in docs/. */
export const pages: readonly Page[] = [
  "README.md",
  ...globSync("docs/**/*.md", { cwd: repository }).sort(),
].map((name) => ({ name, text: readFileSync(join(repository, name), "utf8") }));

/** The fenced blocks of a language. */
export function blocks({ text }: Page, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, found]) => found === language)
    .map(([, , body]) => body ?? "");
}
