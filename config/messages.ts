import { z } from "zod";
import { joinPath, type PathStep, type Problem } from "./problem.ts";
import { formatValue } from "./schema/fields.ts";
import { nearest, suggestion } from "./suggest.ts";

/** Placeholder message of a union without an error of its own; `problems` reports the errors of a branch instead. */
const NO_BRANCH = "fits none of its forms";

const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a map of keys and values",
  record: "a map of keys and values",
  string: "text",
};

/** Messages for zod's issues. Schemas define the more specific ones. */
const errorMap: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : wrongType(issue.expected, issue.input);
    case "invalid_value":
      return issue.input === undefined ? "is required" : wrongChoice(issue.input, issue.values.map(String));
    case "too_small":
      if (issue.origin === "array")
        return `needs at least ${issue.minimum} ${issue.minimum === 1 ? "entry" : "entries"}`;
      return issue.origin === "string"
        ? "is empty"
        : `${formatValue(issue.input)} is less than ${issue.minimum}`;
    case "too_big":
      return `${formatValue(issue.input)} is more than ${issue.maximum}`;
    case "unrecognized_keys": {
      // zod reports all unknown keys of a map as one issue. The message has a line for each key; `problems` splits them.
      const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : [];
      const absent = known.filter((key) => !(key in (issue.input ?? {})));
      return issue.keys
        .map((key) => `unknown key; ${suggestion(key, nearest(key, absent) ? absent : known)}`)
        .join("\n");
    }
    case "invalid_key":
      return issue.issues[0]?.message;
    case "invalid_union":
      return NO_BRANCH;
    default:
      return undefined;
  }
};

function wrongType(expected: string, input: unknown): string {
  const wanted = KINDS[expected] ?? expected;
  if (input === null) return `is empty; expected ${wanted}`;
  const got = typeof input === "string" ? `the text ${JSON.stringify(input)}` : formatValue(input);
  let advice = "";
  if (expected === "string" && typeof input !== "object") advice = ": put it in quotes";
  if (expected === "number" && typeof input === "string" && /^\d+$/.test(input))
    advice = ": remove the quotes";
  return `expected ${wanted}, got ${got}${advice}`;
}

function wrongChoice(input: unknown, values: readonly string[]): string {
  const near = nearest(String(input), values);
  const list = `${formatValue(input)} is not ${values.length === 1 ? "" : "one of "}${values.join(", ")}`;
  return near === undefined ? list : `${list}; did you mean ${near}?`;
}

/** Parses a value. Returns it, or every problem with its path. */
export function parse<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { readonly value: T } | { readonly problems: Problem[] } {
  const result = schema.safeParse(value, { error: errorMap, reportInput: true });
  return result.success
    ? { value: result.data }
    : { problems: result.error.issues.flatMap((issue) => problems(issue, "")) };
}

function problems(issue: z.core.$ZodIssue, base: string): Problem[] {
  const path = joinPath(base, ...issue.path.filter((step): step is PathStep => typeof step !== "symbol"));
  if (issue.code === "unrecognized_keys") {
    const lines = issue.message.split("\n");
    return issue.keys.map((key, i) => ({ path: joinPath(path, key), message: lines[i] ?? "unknown key" }));
  }
  if (issue.code === "invalid_union" && issue.message === NO_BRANCH) {
    return intendedBranch(issue.errors).flatMap((inner) => problems(inner, path));
  }
  return [{ path, message: issue.message }];
}

/**
 * The issues of the branch of a union that the user most likely meant: the first branch that has the value's type and does not
 * forbid one of its keys (by `z.never()`, as a VM forbids `ssh`).
 */
function intendedBranch(branches: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] {
  const fits = branches.find(
    (issues) =>
      !issues.some(
        (issue) =>
          (issue.path.length === 0 && issue.code === "invalid_type") ||
          (issue.path.length === 0 && issue.code === "invalid_value" && typeof issue.input !== "string") ||
          (issue.code === "invalid_type" && issue.expected === "never"),
      ),
  );
  return fits ?? branches.at(-1) ?? [];
}
