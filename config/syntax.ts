import type { Document, LineCounter } from "yaml";
import type { Problem } from "./problem.ts";

/** The YAML errors of a document, with line and column. `kind` names the kind of file with its article, "a plan". */
export function syntaxProblems(document: Document, lines: LineCounter, kind: string): Problem[] {
  return document.errors.map(({ code, message, pos: [offset] }) => {
    const { line, col } = lines.linePos(offset);
    const text = code === "MULTIPLE_DOCS" ? `a second document starts here; ${kind} has only one` : message;
    return { path: "", message: text, line, column: col };
  });
}
