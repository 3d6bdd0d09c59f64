import Anser from "anser";

/** A part of a line in one style. */
export interface Span {
  readonly text: string;
  /** Classes such as `ansi-red-fg bold`. */
  readonly classes: string;
  /** CSS colour for 256 and 16 million colours; undefined if a class has it. */
  readonly colour?: string | undefined;
  readonly background?: string | undefined;
}

// Removes sequences that move the cursor, ring the bell or set the window's title.
const UNSEEN = /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u007f]/g;

// The library forgets the last line's colours if a line does not begin with a sequence. This one, the default font, changes nothing.
const NO_CHANGE = "\u001b[10m";

/** Parses lines in order, as a terminal does: a colour lasts until it changes. */
export class TerminalText {
  readonly #anser = new Anser();
  #isPlain = true;

  /** The parts of the next line after it is printed. */
  line(message: string): readonly Span[] {
    // Of a progress bar only the last state is shown.
    const written = message.endsWith("\r") ? message.slice(0, -1) : message;
    const last = written.slice(written.lastIndexOf("\r") + 1).replaceAll(UNSEEN, "");
    if (this.#isPlain && !last.includes("\u001b")) return [{ text: last, classes: "" }];
    const parts = this.#anser.ansiToJson(NO_CHANGE + last, {
      json: true,
      use_classes: true,
      remove_empty: true,
    });
    const spans = parts.map(({ content, fg, bg, fg_truecolor, bg_truecolor, decorations }): Span => ({
      text: content,
      classes: [fg && `${fg}-fg`, bg && `${bg}-bg`, ...decorations].filter(Boolean).join(" "),
      colour: colourOf(fg, fg_truecolor),
      background: colourOf(bg, bg_truecolor),
    }));
    const end = parts.at(-1);
    this.#isPlain =
      last.endsWith("\u001b[0m") || (end !== undefined && !end.fg && !end.bg && end.decorations.length === 0);
    return spans;
  }
}

function colourOf(name: string | null, trueColour: string | null): string | undefined {
  if (name === "ansi-truecolor" && trueColour) return `rgb(${trueColour})`;
  const index = /^ansi-palette-(\d+)$/.exec(name ?? "")?.[1];
  return index === undefined ? undefined : paletteColour(Number(index));
}

/** Colours 16 to 255 of terminals: a cube of 6 levels, then greys. */
function paletteColour(index: number): string {
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const level = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))}, ${level(Math.floor(cube / 6) % 6)}, ${level(cube % 6)})`;
}

/** Splits spans at matches of a text, and marks the matches. */
export function marked(
  spans: readonly Span[],
  wanted: string,
): readonly (Span & { readonly isFound: boolean })[] {
  if (wanted === "") return spans.map((span) => ({ ...span, isFound: false }));
  const whole = spans
    .map(({ text }) => text)
    .join("")
    .toLowerCase();
  const cuts: number[] = [];
  for (let at = whole.indexOf(wanted); at !== -1; at = whole.indexOf(wanted, at + wanted.length))
    cuts.push(at, at + wanted.length);
  const parts: (Span & { isFound: boolean })[] = [];
  let passed = 0;
  for (const span of spans) {
    const end = passed + span.text.length;
    const inside = [passed, ...cuts.filter((cut) => cut > passed && cut < end), end];
    for (const [index, from] of inside.slice(0, -1).entries()) {
      const to = inside[index + 1] ?? end;
      const isFound = cuts.filter((cut) => cut <= from).length % 2 === 1;
      parts.push({ ...span, text: span.text.slice(from - passed, to - passed), isFound });
    }
    passed = end;
  }
  return parts;
}
