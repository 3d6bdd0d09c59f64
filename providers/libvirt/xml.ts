import XMLBuilder from "fast-xml-builder";
import { XMLParser } from "fast-xml-parser";

/** An element to write: `@name` keys are attributes, `#text` is its text, other keys are its children. */
export interface XmlElement {
  readonly [name: string]: XmlContent;
}

/** Content of an element; undefined is omitted, so optional parts can be written in place. */
export type XmlContent = string | number | XmlElement | readonly XmlContent[] | undefined;

const builder = new XMLBuilder({
  attributeNamePrefix: "@",
  format: true,
  ignoreAttributes: false,
  suppressEmptyNode: true,
});

/** Writes a document with this root, indented by two spaces. */
export function writeXml(root: XmlElement): string {
  // The builder writes undefined as an empty element; JSON drops it.
  return builder.build(JSON.parse(JSON.stringify(root)));
}

const parser = new XMLParser({
  alwaysCreateTextNode: true,
  attributeNamePrefix: "@",
  ignoreAttributes: false,
  isArray: (_name, _path, _leaf, isAttribute) => !isAttribute,
  parseAttributeValue: false,
  parseTagValue: false,
});

/** A parsed element; every part of it may be missing. */
export class Xml {
  readonly #node: Readonly<Record<string, unknown>>;

  private constructor(node: unknown) {
    this.#node = isRecord(node) ? node : {};
  }

  /** The root of a document, whatever its name is. */
  static parse(text: string): Xml {
    const document = new Xml(parser.parse(text));
    const root = Object.keys(document.#node).find((name) => name !== "?xml" && name !== "#text");
    return (root === undefined ? undefined : document.child(root)) ?? new Xml({});
  }

  /** The first element at a path of names: `child("os", "type")`. */
  child(...path: readonly string[]): Xml | undefined {
    return path.reduce<Xml | undefined>((at, name) => at?.children(name)[0], this);
  }

  children(name: string): Xml[] {
    const found = this.#node[name];
    return Array.isArray(found) ? found.map((node) => new Xml(node)) : [];
  }

  attribute(name: string): string | undefined {
    const value = this.#node[`@${name}`];
    return typeof value === "string" ? value : undefined;
  }

  get text(): string {
    const text = this.#node["#text"];
    return typeof text === "string" ? text : "";
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
