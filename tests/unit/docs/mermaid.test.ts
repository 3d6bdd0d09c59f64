import mermaid from "mermaid";
import { expect, test } from "vitest";
import { blocks, pages } from "./pages.ts";

// Mermaid cleans labels with DOMPurify, which wants a browser. Whether a diagram parses does not depend on that; the copy
// that Mermaid uses comes with it and is no dependency of ours.
const purifier = "dompurify";
const { default: purify } = (await import(purifier)) as { default: Record<string, unknown> };
Object.assign(purify, { addHook: () => undefined, sanitize: (text: string) => text });

const diagrams = pages.flatMap((page) =>
  blocks(page, "mermaid").map((text, index) => ({ name: `${page.name}, diagram ${index + 1}`, text })),
);

test("there are diagrams to look at", () => {
  expect(diagrams.length).toBeGreaterThan(2);
});

test.each(diagrams)("$name can be drawn", async ({ text }) => {
  const { diagramType } = (await mermaid.parse(text)) as { diagramType: string };
  expect(diagramType).toMatch(/^flowchart/);
});

test("a diagram that cannot be drawn is found", async () => {
  await expect(mermaid.parse("flowchart LR\n  a[open --> b")).rejects.toThrow();
});
