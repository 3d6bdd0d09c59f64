import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { marked, TerminalText, type Span } from "../../../../services/pipelines/web/page/terminal-text.ts";

const plain = (spans: readonly Span[]): string => spans.map(({ text }) => text).join("");

describe("a line of a terminal", () => {
  it.each([
    ["as it is", "hello <b> & co", "hello <b> & co"],
    ["without what moves the cursor", "a\u001b[2Kb\u001b[1;1Hc", "abc"],
    ["without titles and links", "\u001b]0;title\u0007a\u001b]8;;http://x\u001b\\b\u001b]8;;\u001b\\", "ab"],
    ["without bells and other signs that nobody sees", "a\u0007\u0000b\u0008", "ab"],
    ["as the last state of a bar that draws itself again", " 10%\r 50%\r100%\r", "100%"],
    ["with its tabs", "a\tb", "a\tb"],
    ["of nothing", "", ""],
  ])("is shown %s", (_, message, text) => {
    expect(plain(new TerminalText().line(message))).toBe(text);
  });

  it("has colours, of 8, 256 and 16 million", () => {
    const spans = new TerminalText().line("\u001b[1;31mA\u001b[0;92mB\u001b[38;5;208mC\u001b[48;2;1;2;3mD");
    expect(spans).toMatchObject([
      { text: "A", classes: "ansi-red-fg bold" },
      { text: "B", classes: "ansi-bright-green-fg" },
      { text: "C", colour: "rgb(255, 135, 0)" },
      { text: "D", background: "rgb(1, 2, 3)" },
    ]);
  });

  it("goes on in the colour of the line before, until it is changed", () => {
    const terminal = new TerminalText();
    terminal.line("\u001b[33mwarning:");
    expect(terminal.line("still")).toMatchObject([{ text: "still", classes: "ansi-yellow-fg" }]);
    expect(terminal.line("no\u001b[0m more")).toMatchObject([{ classes: "ansi-yellow-fg" }, { classes: "" }]);
    expect(terminal.line("plain")).toEqual([{ text: "plain", classes: "" }]);
  });
});

it("what is searched for is marked, also across colours, and nothing is lost", () => {
  const spans = new TerminalText().line("an er\u001b[31mror\u001b[0m and an Error");
  expect(marked(spans, "error").map(({ text, isFound }) => [text, isFound])).toEqual([
    ["an ", false],
    ["er", true],
    ["ror", true],
    [" and an ", false],
    ["Error", true],
  ]);
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (text, wanted) => {
      expect(plain(marked([{ text, classes: "" }], wanted.toLowerCase()))).toBe(text);
    }),
  );
});
