import type { Document, LineCounter } from "yaml";
import type { Problem } from "./problem.ts";

/** What is wrong with a document as YAML, a line each with its place; `what` says what the file is: "a plan". */
export function syntaxProblems(document: Document, lines: LineCounter, what: string): Problem[] {
  return document.errors.map(({ code, message, pos: [offset] }) => {
    const { line, col } = lines.linePos(offset);
    const text = code === "MULTIPLE_DOCS" ? `a second document starts here; ${what} is one` : message;
    return { path: "", message: text, line, column: col };
  });
}
