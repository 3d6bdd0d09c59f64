import { markdownTable } from "markdown-table";
import { UNCHECKED } from "../../engine/display.ts";
import type { Change, Difference, StackComparison } from "./comparison.ts";

/** The heading of a comment. */
export interface Heading {
  /** Name and commit of the base branch, and of the pull request. */
  readonly base: string;
  readonly head: string;
}

// GitHub allows 65,536 characters, which are at most as many as bytes. A workflow's variable can have 128 KiB.
export const LIMIT = 64_000;

const KINDS = ["added", "changed", "replaced", "removed"] as const;
// In a highlighted diff these are green, orange and red.
const SIGNS: Readonly<Record<Change["kind"], string>> = {
  added: "+",
  changed: "!",
  replaced: "!",
  removed: "-",
};
const WIDTH = 160;
const KEPT_FOR_NOTES = 400;

/** The comment: a table of all stacks, and the folded changes of each; at most `limit` bytes. */
export function report(stacks: readonly StackComparison[], heading: Heading, limit = LIMIT): string {
  const start = [
    "## Preview of every stack",
    `What \`ai-how up\` of ${code(heading.head)} would do to the stacks of ${code(heading.base)}.`,
    markdownTable([["stack", ...KINDS, "policies"], ...stacks.map((stack) => [stack.stack, ...row(stack)])]),
  ].join("\n\n");
  const end =
    "<sub>Secrets are hidden, and so are changes inside of them. Values that are only known after `up` are not compared, " +
    "and neither is what is replaced because something else is.</sub>";
  let left = limit - bytes(start) - bytes(end) - 8;
  const details = stacks.filter(hasDetails);
  const parts = details.map((stack, index) => {
    // Each stack gets an equal share of the remaining space.
    const part = detail(stack, Math.floor(left / (details.length - index)) - 2);
    left -= bytes(part) + 2;
    return part;
  });
  return [start, ...parts, end].join("\n\n");
}

function row(stack: StackComparison): string[] {
  if (stack.kind === "removed") return ["stack removed", "", "", "", ""];
  if (stack.kind === "not-yet") return ["not there yet", "", "", "", ""];
  if (stack.kind === "failed") return ["**cannot be previewed**", "", "", "", ""];
  const violations = stack.violations.length;
  return [
    ...KINDS.map((kind) => String(stack.changes.filter((change) => change.kind === kind).length)),
    violations === 0 ? "kept" : `**${violations} violated**`,
  ];
}

type Detailed = Extract<StackComparison, { kind: "compared" | "failed" }>;

function hasDetails(stack: StackComparison): stack is Detailed {
  if (stack.kind === "failed") return true;
  if (stack.kind !== "compared") return false;
  return stack.changes.length + stack.outputs.length + stack.violations.length > 0;
}

function detail(stack: Detailed, room: number): string {
  if (stack.kind === "failed") {
    return folded(`${stack.stack}: cannot be previewed`, fenced(stack.lines, "", room), true);
  }
  const { alone = [], violations, changes, outputs } = stack;
  const notes = [
    ...(alone.length === 0
      ? []
      : [`There is no base to compare with, so everything counts as added:`, fenced(alone, "", room / 4)]),
    ...(violations.length === 0
      ? []
      : [
          "Violated policies (`docs/policies.md`):",
          fenced(
            violations.map(({ urn, rule, message }) => `${nameOf(urn)}: ${rule}: ${message}`),
            "",
            room / 4,
          ),
        ]),
  ];
  const lines = [
    ...changes.flatMap(changeLines),
    ...(outputs.length === 0 ? [] : ["! outputs of the stack", ...outputs.flatMap(differenceLines)]),
  ];
  const rest = room - bytes(notes.join("\n\n")) - KEPT_FOR_NOTES;
  const body = [...notes, ...(lines.length === 0 ? [] : [fenced(lines, "diff", rest)])];
  return folded(`${stack.stack}: ${summary(changes, outputs)}`, body.join("\n\n"), violations.length > 0);
}

function summary(changes: readonly Change[], outputs: readonly Difference[]): string {
  const counts = KINDS.flatMap((kind) => {
    const count = changes.filter((change) => change.kind === kind).length;
    return count === 0 ? [] : [`${count} ${kind}`];
  });
  if (counts.length > 0) return counts.join(", ");
  return outputs.length > 0 ? "other outputs" : "no changes";
}

function changeLines({ kind, type, name, checked, differences }: Change): string[] {
  const notes = [...(kind === "replaced" ? ["replaced"] : []), ...(checked ? [] : [UNCHECKED])].join(", ");
  const title = `${SIGNS[kind]} ${name} (${type})${notes === "" ? "" : `: ${notes}`}`;
  return [title, ...(kind === "added" ? added(differences) : differences.flatMap(differenceLines))];
}

/** The inputs of a new resource, one per line. */
function added(differences: readonly Difference[]): string[] {
  return differences.filter(({ is }) => !isEmpty(is)).map(({ path, is }) => `+     ${path}: ${shown(is)}`);
}

function differenceLines({ path, was, is }: Difference): string[] {
  return [
    ...(was === undefined ? [] : [`-     ${path}: ${shown(was)}`]),
    ...(is === undefined ? [] : [`+     ${path}: ${shown(is)}`]),
  ];
}

function isEmpty(value: unknown): boolean {
  return value === null || value === "" || JSON.stringify(value) === "[]" || JSON.stringify(value) === "{}";
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;
}

function folded(title: string, body: string, open: boolean): string {
  return `<details${open ? " open" : ""}><summary><b>${escaped(title)}</b></summary>\n\n${body}\n\n</details>`;
}

/** As many lines as fit, in a fence that they cannot close. */
function fenced(lines: readonly string[], language: string, room: number): string {
  const kept: string[] = [];
  let left = room - KEPT_FOR_NOTES / 2;
  for (const line of lines) {
    left -= bytes(line) + 1;
    if (left < 0) break;
    kept.push(line);
  }
  const cut = lines.length - kept.length;
  const ticks = Math.max(2, ...kept.flatMap((line) => [...line.matchAll(/`+/g)].map(([run]) => run.length)));
  const fence = "`".repeat(ticks + 1);
  const block = [`${fence}${language}`, ...kept, fence].join("\n");
  return cut === 0 ? block : `${block}\n\n… and ${cut} more ${cut === 1 ? "line" : "lines"}`;
}

function code(text: string): string {
  return `\`${text.replaceAll("`", "")}\``;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}
