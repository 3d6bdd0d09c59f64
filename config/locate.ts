import { isMap, isScalar, isSeq, type Document, type LineCounter, type Node } from "yaml";
import type { Problem } from "./problem.ts";

/**
 * Adds line and column to problems, and sorts them by position. The position is that of the key or entry at the path, or of its
 * nearest ancestor in the file.
 */
export function locate(problems: readonly Problem[], document: Document, lines: LineCounter): Problem[] {
  const located = problems.map((problem): Problem => {
    const offset = offsetOf(document.contents, steps(problem.path));
    if (offset === undefined) return problem;
    const { line, col } = lines.linePos(offset);
    return { ...problem, line, column: col };
  });
  return located.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function steps(path: string): string[] {
  return path.split(/[.[\]]+/).filter((step) => step !== "");
}

function offsetOf(root: Node | null, path: readonly string[]): number | undefined {
  let node: unknown = root;
  let offset = root?.range?.[0];
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === step);
      if (pair === undefined || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)];
      if (!isMap(item) && !isSeq(item) && !isScalar(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}
