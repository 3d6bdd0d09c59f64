import { isScalar, LineCounter, parseDocument, Scalar, visit, type Document } from "yaml";
import { UserError } from "../../../config/errors.ts";
import { locate } from "../../../config/locate.ts";
import { parse } from "../../../config/messages.ts";
import { oneLine, type Problem } from "../../../config/problem.ts";
import { syntaxProblems } from "../../../config/syntax.ts";
import { planProblems, planWarnings } from "./checks.ts";
import { expandPlan } from "./expand.ts";
import type { Plan } from "./plan.ts";
import { planFile } from "./schema.ts";

/** An invalid plan, with all its problems. */
export class PlanError extends UserError {
  override readonly name = "PlanError";
  readonly problems: readonly Problem[];

  constructor(file: string, what: string, problems: readonly Problem[]) {
    super(`${file}: ${what}: ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}`, {
      details: problems.map((problem) => planLine(file, problem)),
    });
    this.problems = problems;
  }
}

/** The name and the inputs of a plan. */
export interface PlanOptions {
  /** File name for messages. Default: plan. */
  readonly file?: string;
  /** Values of inputs by name. Default: those of the plan. */
  readonly inputs?: Readonly<Record<string, string>>;
}

export interface ReadPlan {
  readonly plan: Plan;
  readonly warnings: readonly Problem[];
}

/**
 * Reads a plan from YAML or JSON.
 * @throws {PlanError} with all problems and their places in the text
 */
export function readPlan(text: string, { file = "plan", inputs = {} }: PlanOptions = {}): ReadPlan {
  const lines = new LineCounter();
  // Reads every scalar as text; the schema knows which ones are numbers.
  const document = parseDocument(text, {
    schema: "failsafe",
    merge: true,
    lineCounter: lines,
    prettyErrors: false,
  });
  const fail = (what: string, problems: readonly Problem[]): never => {
    throw new PlanError(file, what, locate(problems, document, lines));
  };
  if (document.errors.length > 0)
    throw new PlanError(file, "unable to parse plan", syntaxProblems(document, lines, "a plan"));
  removeNulls(document);
  const values = valuesOf(document, file);
  const strict = parse(planFile, values);
  // Removes unknown keys, so that the other problems of the plan are found as well.
  const unknown = "problems" in strict ? strict.problems.filter(isUnknownKey) : [];
  for (const { path } of unknown)
    removeAt(
      values,
      path.split(/[.[\]]+/).filter((key) => key !== ""),
    );
  const parsed = unknown.length > 0 ? parse(planFile, values) : strict;
  if ("problems" in parsed) return fail("plan validation failed", [...unknown, ...parsed.problems]);
  const problems = [...unknown, ...planProblems(parsed.value)];
  if (problems.length > 0) return fail("plan validation failed", problems);
  const expanded = expandPlan(parsed.value, inputs);
  if (expanded.problems.length > 0) return fail("plan validation failed", expanded.problems);
  return { plan: expanded.plan, warnings: locate(planWarnings(parsed.value), document, lines) };
}

/** `plan.yaml:7:3: step a is missing type`, a form that editors and terminals can open. */
export function planLine(file: string, { line, column, path, message }: Problem): string {
  const place =
    line === undefined ? (path === "" ? file : `${file}: ${path}`) : `${file}:${line}:${column ?? 1}`;
  return oneLine(`${place}: ${message}`);
}

function isUnknownKey({ message }: Problem): boolean {
  return message.startsWith("unknown key");
}

function removeAt(values: unknown, keys: readonly string[]): void {
  const [key, ...rest] = keys;
  if (key === undefined || values === null || typeof values !== "object") return;
  if (rest.length === 0) Reflect.deleteProperty(values, key);
  else removeAt(Reflect.get(values, key), rest);
}

/** Treats a key without a value as missing. */
function removeNulls(document: Document): void {
  visit(document, {
    Pair(_key, { value }) {
      const isNull =
        value === null || (isScalar(value) && value.type === Scalar.PLAIN && isNullWord(value.value));
      return isNull ? visit.REMOVE : undefined;
    },
  });
}

function isNullWord(value: unknown): boolean {
  return typeof value === "string" && /^(~|null|Null|NULL|)$/.test(value);
}

function valuesOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 1000 }) as unknown;
  } catch (error) {
    // An alias without its anchor, or cyclic aliases; the parser reports no place.
    if (!(error instanceof Error)) throw error;
    throw new PlanError(file, "unable to parse plan", [{ path: "", message: error.message }]);
  }
}
