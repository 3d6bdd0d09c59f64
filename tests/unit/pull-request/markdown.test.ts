import { expect, test } from "vitest";
import type { Change, StackComparison } from "../../../tools/pull-request/comparison.ts";
import { LIMIT, report } from "../../../tools/pull-request/markdown.ts";

const heading = { base: "1234567 feat: base", head: "89abcde feat: head" };

function compared(stack: string, changes: readonly Change[], more: object = {}): StackComparison {
  return { stack, kind: "compared", changes, outputs: [], violations: [], ...more };
}

function change(name: string, kind: Change["kind"] = "changed", was: unknown = "a"): Change {
  const differences = [{ path: "capacity", was, is: "b" }];
  return { kind, type: "libvirt:index:Volume", name, checked: true, differences };
}

test("what no provider has looked at is marked", () => {
  const unchecked = { ...change("web", "added"), checked: false };
  expect(report([compared("dev", [unchecked])], heading)).toContain(
    "+ web (libvirt:index:Volume): not checked by its provider",
  );
});

test("a table of all stacks comes first, and what changes is folded below it", () => {
  const text = report(
    [
      compared("dev", [
        change("disk"),
        change("pool", "replaced"),
        { ...change("old", "removed"), differences: [] },
      ]),
      compared("quiet", []),
      { stack: "homelab", kind: "not-yet" },
      { stack: "lab", kind: "removed" },
      { stack: "broken", kind: "failed", lines: ["TypeError: no"] },
    ],
    heading,
  );
  expect(text).toMatch(/^## Preview of every stack\n/);
  expect(text).toContain(
    "`ai-how up` of `89abcde feat: head` would do to the stacks of `1234567 feat: base`",
  );
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  expect(
    rows.map((row) =>
      row
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, -1),
    ),
  ).toEqual([
    ["stack", "added", "changed", "replaced", "removed", "policies"],
    expect.arrayContaining([expect.stringMatching(/^-+$/)]),
    ["dev", "0", "1", "1", "1", "kept"],
    ["quiet", "0", "0", "0", "0", "kept"],
    ["homelab", "not there yet", "", "", "", ""],
    ["lab", "stack removed", "", "", "", ""],
    ["broken", "**cannot be previewed**", "", "", "", ""],
  ]);
  expect(text).toContain("<details><summary><b>dev: 1 changed, 1 replaced, 1 removed</b></summary>");
  expect(text).toContain('! disk (libvirt:index:Volume)\n-     capacity: "a"\n+     capacity: "b"\n');
  expect(text).toContain("! pool (libvirt:index:Volume): replaced\n");
  expect(text).toContain("- old (libvirt:index:Volume)\n");
  expect(text).toContain(
    "<details open><summary><b>broken: cannot be previewed</b></summary>\n\n```\nTypeError: no\n```",
  );
  expect(text).not.toContain("<b>quiet");
});

test("violated policies are unfolded, with what to do", () => {
  const violation = {
    urn: "urn:pulumi:dev::ai-how::a:b:C::copy",
    rule: "pinned",
    message: "source: rename it",
  };
  const text = report([compared("dev", [], { violations: [violation] })], heading);
  expect(text).toContain("**1 violated**");
  expect(text).toContain("<details open>");
  expect(text).toContain("copy: pinned: source: rename it");
});

test("a base branch that cannot be previewed is said, with the reason", () => {
  const alone = ["the base branch cannot be previewed:", "error: unknown option '--format'"];
  const text = report([compared("dev", [change("disk", "added")], { alone })], heading);
  expect(text).toContain("no base to compare with, so everything counts as added");
  expect(text).toContain("error: unknown option '--format'");
});

test("however much changes, the comment is one that the API takes, and every fold and fence ends", () => {
  const many = Array.from({ length: 3000 }, (_, index) => change(`disk-${index}`));
  const wide = [change("wide", "changed", "ü".repeat(5000))];
  const violations = many.map(({ name }) => ({ urn: `a::${name}`, rule: "pinned", message: "rename it" }));
  const stacks = [
    compared("dev", many),
    compared("lab", many, { violations, alone: Array.from({ length: 900 }, (_, index) => `line ${index}`) }),
    compared("wide", wide),
    { stack: "broken", kind: "failed" as const, lines: many.map(({ name }) => name) },
  ];
  const text = report(stacks, heading);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LIMIT);
  expect(Buffer.byteLength(text)).toBeGreaterThan(LIMIT / 2);
  expect(text).toMatch(/… and \d+ more lines/);
  for (const { stack } of stacks) expect(text).toContain(`<b>${stack}: `);
  expect(text.match(/<details/g)).toHaveLength(4);
  expect(text.match(/<\/details>/g)).toHaveLength(4);
  expect((text.match(/^```/gm) ?? []).length % 2).toBe(0);
});

test("nothing in a value leaves its fence", () => {
  const value = "```\n</details> <img src=x> @everyone ````";
  const text = report([compared("dev", [change("disk", "changed", value)])], heading);
  const fence = /^(`{5,})diff$/m.exec(text)?.[1] ?? "";
  expect(fence).toHaveLength(5);
  expect(text.split(`\n${fence}`)).toHaveLength(3);
  expect(text.split("\n").filter((line) => line.includes("@everyone"))).toHaveLength(1);
});
