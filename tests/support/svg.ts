import type { Page } from "playwright-core";
import { z } from "zod";

const rectangle = z.object({
  name: z.string(),
  left: z.number(),
  top: z.number(),
  right: z.number(),
  bottom: z.number(),
});
type Rectangle = z.infer<typeof rectangle>;

const measured = z.object({
  size: z.object({ width: z.number(), height: z.number() }),
  boxes: z.array(z.object({ shape: rectangle, texts: z.array(rectangle), holdsOthers: z.boolean() })),
});

/** Where a browser puts the boxes and texts of a picture, in CSS pixels. */
export type MeasuredPicture = z.infer<typeof measured>;

// Graphviz makes a group of each box: a title, a shape, and a text for each line.
const MEASURE = `(() => {
  const rectangle = (element, name) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return { name, left, top, right, bottom };
  };
  const { width, height } = document.documentElement.getBoundingClientRect();
  const boxes = [...document.querySelectorAll("g.node, g.cluster")].map((group) => ({
    shape: rectangle(group.querySelector("path, polygon"), group.querySelector("title").textContent),
    texts: [...group.querySelectorAll("text")].map((text) => rectangle(text, text.textContent)),
    holdsOthers: group.classList.contains("cluster"),
  }));
  return { size: { width, height }, boxes };
})()`;

/** Measures the SVG that a page shows. */
export async function measurePicture(page: Page): Promise<MeasuredPicture> {
  return measured.parse(await page.evaluate(MEASURE));
}

/** What a reader could not read: texts that leave their box, texts or boxes on each other. Empty where nothing. */
export function unreadable({ boxes }: MeasuredPicture): string[] {
  const cut = boxes.flatMap(({ shape, texts }) =>
    texts.filter((text) => !contains(shape, text)).map((text) => `${text.name} leaves its box ${shape.name}`),
  );
  const leaves = boxes.filter(({ holdsOthers }) => !holdsOthers).map(({ shape }) => shape);
  const texts = boxes.flatMap((box) => box.texts);
  return [...cut, ...overlaps(leaves), ...overlaps(texts)];
}

function contains(outer: Rectangle, inner: Rectangle): boolean {
  return (
    inner.left >= outer.left &&
    inner.right <= outer.right &&
    inner.top >= outer.top &&
    inner.bottom <= outer.bottom
  );
}

function overlaps(all: readonly Rectangle[]): string[] {
  return all.flatMap((one, index) =>
    all
      .slice(index + 1)
      .filter(
        (other) =>
          one.left < other.right &&
          other.left < one.right &&
          // The line boxes of two lines of text may touch.
          one.top + 2 < other.bottom &&
          other.top + 2 < one.bottom,
      )
      .map((other) => `${one.name} and ${other.name} overlap`),
  );
}
