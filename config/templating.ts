import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { isCollection, isPair, isScalar, visit, type Document, type Node, type Pair } from "yaml";
import { joinPath, type PathStep, type Problem } from "./problem.ts";

/** Variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const ANCESTORS = 10;

/** A template that cannot be expanded. */
class TemplateError extends Error {}

/**
 * Expands variables like a shell: `$VAR`, `${VAR}`, `${VAR:-default}`, `${VAR:=default}` (which also sets the variable for
 * later values), `${VAR:?message}`, `${VAR:+value}`, and `$$` for one `$`. The colon forms treat an empty variable as unset;
 * their words may contain variables. Any other `$` stays.
 */
class Expander {
  readonly #variables: Map<string, string>;
  readonly used = new Map<string, string>();

  constructor(variables: Variables) {
    this.#variables = new Map(
      Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
  }

  expand(text: string): string {
    let result = "";
    let rest = text;
    for (;;) {
      const dollar = rest.indexOf("$");
      if (dollar === -1) return result + rest;
      result += rest.slice(0, dollar);
      rest = rest.slice(dollar + 1);
      const name = NAME.exec(rest)?.[0];
      if (name !== undefined) {
        result += this.#value(name);
        rest = rest.slice(name.length);
      } else if (rest.startsWith("{")) {
        const end = closingBrace(rest);
        result += this.#braced(rest.slice(1, end));
        rest = rest.slice(end + 1);
      } else {
        result += "$";
        if (rest.startsWith("$")) rest = rest.slice(1);
      }
    }
  }

  #braced(body: string): string {
    const name = NAME.exec(body)?.[0];
    const operator = name === undefined ? "" : body.slice(name.length, name.length + 2);
    if (name === undefined || (operator !== "" && !/^:[-=?+]$/.test(operator))) {
      throw new TemplateError(`\${${body}} is not a variable: use \${NAME} or \${NAME:-default}`);
    }
    const word = body.slice(name.length + 2);
    const isSet = (this.#variables.get(name) ?? "") !== "";
    switch (operator) {
      case ":-":
        return isSet ? this.#value(name) : this.expand(word);
      case ":=":
        if (!isSet) this.#variables.set(name, this.expand(word));
        return this.#value(name);
      case ":?":
        if (!isSet) throw new TemplateError(`\${${name}}: ${this.expand(word) || "is not set"}`);
        return this.#value(name);
      case ":+":
        return isSet ? this.expand(word) : "";
      default:
        return this.#value(name);
    }
  }

  #value(name: string): string {
    const value = this.#variables.get(name);
    if (value === undefined) {
      throw new TemplateError(`the variable ${name} is not set: set it, or use \${${name}:-default}`);
    }
    this.used.set(name, value);
    return value;
  }
}

/** Index of the brace that closes the one at index 0. Throws a `TemplateError` if there is none. */
function closingBrace(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "}" && --depth === 0) return i;
    if (text[i] === "{" && (i === 0 || text[i - 1] === "$")) depth++;
  }
  throw new TemplateError(`$${text} has no closing brace`);
}

/**
 * Expands every value of a document in place, but no keys. An unquoted value that expands to a whole number, true or false
 * becomes a number or a boolean.
 */
export function expandDocument(
  document: Document,
  variables: Variables,
): { readonly problems: Problem[]; readonly used: ReadonlyMap<string, string> } {
  const expander = new Expander(variables);
  const problems: Problem[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === "key" || typeof node.value !== "string" || !node.value.includes("$")) return;
      try {
        const text = expander.expand(node.value);
        node.value = node.type === "PLAIN" ? plainValue(text) : text;
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        problems.push({ path: pathOf(key, ancestors), message: error.message });
      }
    },
  });
  return { problems, used: expander.used };
}

function plainValue(text: string): string | number | boolean {
  if (/^(0|-?[1-9]\d*)$/.test(text)) return Number(text);
  return text === "true" || text === "false" ? text === "true" : text;
}

/** The path of a scalar, from its key and ancestors in `visit`. */
function pathOf(key: number | string | null, ancestors: readonly (Document | Node | Pair)[]): string {
  const steps: PathStep[] = [];
  ancestors.forEach((ancestor, depth) => {
    if (isPair(ancestor)) steps.push(isScalar(ancestor.key) ? String(ancestor.key.value) : "?");
    else if (isCollection(ancestor)) {
      const child = ancestors[depth + 1];
      if (!isPair(child))
        steps.push(child === undefined ? Number(key) : ancestor.items.findIndex((item) => item === child));
    }
  });
  return joinPath("", ...steps);
}

/**
 * The variables of a file: the environment, `PWD`, and `TOT` (top of tree): the nearest folder with `.git` among the file's
 * folder and its ten ancestors, else the file's folder.
 */
export function templateVariables(directory: string, cwd: string, env: Variables): Variables {
  return { ...env, PWD: cwd, TOT: topOfTree(directory) };
}

function topOfTree(directory: string): string {
  let at = directory;
  for (let level = 0; level <= ANCESTORS; level++) {
    if (existsSync(join(at, ".git"))) return at;
    at = dirname(at);
  }
  return directory;
}
