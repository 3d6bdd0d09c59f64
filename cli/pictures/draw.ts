import { instance } from "@viz-js/viz";
import type { Box, Picture } from "./model.ts";

export const PICTURE_FORMATS = ["mermaid", "svg", "json"] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

/** Draws a picture in one of the formats. Graphviz draws SVG. */
export async function draw(picture: Picture, format: PictureFormat): Promise<string> {
  if (format === "json") return `${JSON.stringify(picture, undefined, 2)}\n`;
  if (format === "mermaid") return mermaid(picture);
  return (await instance()).renderString(dot(picture), { format: "svg" });
}

type Children = ReadonlyMap<string | undefined, readonly Box[]>;

function childrenOf({ boxes }: Picture): Children {
  return Map.groupBy(boxes, ({ parent }) => parent);
}

/** A Mermaid flowchart. Mermaid's ids must not start with a digit, so boxes are `box0`, `box1`, and so on. */
function mermaid(picture: Picture): string {
  const children = childrenOf(picture);
  const ids = new Map(picture.boxes.map(({ id }, index) => [id, `box${index}`]));
  const idOf = (id: string): string => ids.get(id) ?? "";
  const text = (lines: readonly string[]): string =>
    `"${lines.map((line) => line.replaceAll('"', "#quot;").replaceAll("<", "#lt;")).join("<br>")}"`;
  const lines = (parent: string | undefined, indent: string): string[] =>
    (children.get(parent) ?? []).flatMap(({ id, label }) =>
      children.has(id)
        ? [`${indent}subgraph ${idOf(id)}[${text(label)}]`, ...lines(id, `${indent}  `), `${indent}end`]
        : [`${indent}${idOf(id)}[${text(label)}]`],
    );
  const arrows = picture.arrows.map(({ from, to }) => `  ${idOf(from)} --> ${idOf(to)}`);
  return `${["flowchart LR", ...lines(undefined, "  "), ...arrows].join("\n")}\n`;
}

/** The DOT source. An arrow to a box with others inside ends at the first of them. */
function dot(picture: Picture): string {
  const children = childrenOf(picture);
  const quoted = (value: string): string => JSON.stringify(value);
  const text = (lines: readonly string[]): string => quoted(lines.join("\n")).replaceAll("\\\\n", "\\n");
  const lines = (parent: string | undefined): string[] =>
    (children.get(parent) ?? []).flatMap(({ id, label }) =>
      children.has(id)
        ? [
            `subgraph ${quoted(`cluster ${id}`)} { label=${text(label)}; color="#94a3b8"; style=rounded;`,
            ...lines(id),
            "}",
          ]
        : [`${quoted(id)} [label=${text(label)}];`],
    );
  const leaf = (id: string): string => {
    const [first] = children.get(id) ?? [];
    return first === undefined ? id : leaf(first.id);
  };
  const arrows = picture.arrows.map(({ from, to }) => `${quoted(leaf(from))} -> ${quoted(leaf(to))};`);
  return [
    "digraph {",
    'rankdir=LR; bgcolor="white"; fontname="Helvetica"; fontsize=12; nodesep=0.25; ranksep=0.6;',
    'node [shape=box, style="rounded,filled", fillcolor="#eef2ff", color="#6366f1", fontname="Helvetica", fontsize=11, margin="0.16,0.08"];',
    'edge [color="#64748b", arrowsize=0.7];',
    ...lines(undefined),
    ...arrows,
    "}",
  ].join("\n");
}
