import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A cluster file for tests. */
export interface Fixture {
  readonly name: string;
  readonly path: string;
  readonly text: string;
  /** The messages after `# expect:` or `# warns:`, one per line. */
  readonly lines: readonly string[];
}

const FOLDER = join(import.meta.dirname, "../../fixtures");

/** The cluster files of a folder of tests/fixtures, with the messages that their comments expect. */
export function fixtures(kind: "valid" | "invalid"): Fixture[] {
  const mark = kind === "valid" ? "# warns: " : "# expect: ";
  return readdirSync(join(FOLDER, kind)).map((name) => {
    const path = join(FOLDER, kind, name);
    const text = readFileSync(path, "utf8");
    const lines = text
      .split("\n")
      .flatMap((line) => (line.startsWith(mark) ? [line.slice(mark.length)] : []));
    return { name, path, text, lines };
  });
}

/** The text of one valid fixture. */
export function validText(name: string): string {
  return readFileSync(join(FOLDER, "valid", `${name}.yaml`), "utf8");
}
