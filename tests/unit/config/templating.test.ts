import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { formatProblem, renderTemplate } from "../../../config/index.ts";
import { problemsOf } from "./problems.ts";

const env = { SET: "value", EMPTY: "", NUMBER: "8", DOLLAR: "$SET" };

/** Renders one value. The `${` in the comment makes every text a template. */
function render(value: string): unknown {
  const { text } = renderTemplate(`value: ${JSON.stringify(value)} # \${\n`, { env, cwd: "/work" });
  return (parse(text) as { value: unknown }).value;
}

test.each([
  ["$SET", "value"],
  ["a-${SET}-b", "a-value-b"],
  ["$SET.qcow2", "value.qcow2"],
  ["${EMPTY}", ""],
  ["${SET:-other}", "value"],
  ["${EMPTY:-a} ${UNSET:-b}${UNSET:-}", "a b"],
  ["${UNSET:-a:-b}", "a:-b"],
  ["${UNSET:-${SET}-${EMPTY:-x}}", "value-x"],
  ["${UNSET:-{json}}", "{json}"],
  ["${UNSET:=given} $UNSET", "given given"],
  ["${SET:?must be set}", "value"],
  ["${SET:+yes}${UNSET:+no}${EMPTY:+no}", "yes"],
  ["$$SET", "$SET"],
  ["$$$$", "$$"],
  ["$DOLLAR", "$SET"],
  ["5$ and $5", "5$ and $5"],
  ["$PWD/x", "/work/x"],
])("%s becomes %s", (value, expanded) => {
  expect(render(value)).toBe(expanded);
});

test.each([
  ["${UNSET}", "value: the variable UNSET is not set: set it, or use ${UNSET:-default}"],
  ["${EMPTY:?must be set}", "value: ${EMPTY}: must be set"],
  ["${UNSET:?}", "value: ${UNSET}: is not set"],
  ["${1X}", "value: ${1X} is not a variable: use ${NAME} or ${NAME:-default}"],
  ["${SET:~x}", "value: ${SET:~x} is not a variable: use ${NAME} or ${NAME:-default}"],
  ["${SET", "value: ${SET has no closing brace"],
])("%s is an error", (value, line) => {
  expect(problemsOf(() => render(value)).map(formatProblem)).toEqual([line]);
});

test("every unset variable is reported with the path of its value", () => {
  const text = "a: ${ONE}\nb:\n  - x\n  - c: [y, '${TWO}']\n";
  expect(problemsOf(() => renderTemplate(text, { env }))).toEqual([
    expect.objectContaining({ path: "a", line: 1 }),
    expect.objectContaining({ path: "b[1].c[1]", line: 4 }),
  ]);
});

test("keys are not expanded, nor are files without ${", () => {
  expect(renderTemplate("$SET: ${SET}\n", { env }).text).toBe("$SET: value\n");
  expect(renderTemplate("a: $SET $$\n", { env }).text).toBe("a: $SET $$\n");
});

test("an unquoted value becomes a number or boolean; a quoted one stays text", () => {
  const { text } = renderTemplate(
    'a: ${NUMBER}\nb: "${NUMBER}"\nc: ${UNSET:-true}\nd: ${UNSET:-0755}\ne: ${NUMBER}.0\n',
    { env },
  );
  expect(parse(text)).toEqual({ a: 8, b: "8", c: true, d: "0755", e: "8.0" });
});

test("rendering gives block style, the order of the file, and the used variables", () => {
  const { text, variables } = renderTemplate("z: {b: $SET, a: [1, '${NUMBER}']}\ny: 1\n", { env });
  expect(text).toBe("z:\n  b: value\n  a:\n    - 1\n    - '8'\ny: 1\n");
  expect(variables).toEqual({ SET: "value", NUMBER: "8" });
});

describe("TOT", () => {
  const root = mkdtempSync(join(tmpdir(), "ai-how-tot-"));
  const deep = (levels: number) => join(root, "tree", ...Array.from({ length: levels }, () => "d"));
  mkdirSync(join(root, "tree", ".git"), { recursive: true });
  mkdirSync(deep(11), { recursive: true });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
  const tot = (directory: string) =>
    renderTemplate("t: ${TOT}\n", { env: {}, cwd: "/", directory }).variables;

  test.each([0, 1, 10])("is the nearest folder with .git, %i levels up", (levels) => {
    expect(tot(deep(levels))).toEqual({ TOT: join(root, "tree") });
  });

  test("is the file's folder if .git is more than ten levels up", () => {
    expect(tot(deep(11))).toEqual({ TOT: deep(11) });
  });
});
