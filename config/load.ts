import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isMap, LineCounter, parseDocument, visit, type Document, type ScalarTag } from "yaml";
import { UserError } from "./errors.ts";
import { crossChecks } from "./checks/index.ts";
import { leaseWarnings } from "./checks/leases.ts";
import { survey } from "./checks/survey.ts";
import { deriveSite } from "./derive.ts";
import { fillGaps } from "./gaps.ts";
import { readLegacyKeys } from "./legacy.ts";
import { locate } from "./locate.ts";
import { parse } from "./messages.ts";
import { ClusterFileError, type Problem } from "./problem.ts";
import { clusterFile, type ClusterFile, type HostBudgetConfig } from "./schema/cluster-file.ts";
import { syntaxProblems } from "./syntax.ts";
import { expandDocument, templateVariables, type Variables } from "./templating.ts";

/** Options for reading a cluster file. */
export interface LoadOptions {
  /** Variables for `${NAME}`. Default: the environment of the process. */
  readonly env?: Variables;
  /** Absolute path: the value of `PWD`. Default: the working directory of the process. */
  readonly cwd?: string;
  /** Overrides `machines` of the file before the checks. Default: as in the file. */
  readonly machines?: ClusterFile["machines"] | undefined;
  /** Resources of the host for a file without `host`. Default: not checked. */
  readonly hostBudget?: HostBudgetConfig;
}

/** Options for a text that the caller has read. */
export interface TextOptions extends LoadOptions {
  /** Name of the file in messages. Default: `cluster file`. */
  readonly file?: string;
  /** Absolute path of the file's folder, for `TOT`. Default: `cwd`. */
  readonly directory?: string;
}

/** A valid cluster file. */
export interface LoadedClusterFile {
  readonly config: ClusterFile;
  /** Warnings, such as one for each old key. */
  readonly warnings: readonly Problem[];
}

/** A cluster file with its variables expanded. */
export interface RenderedTemplate {
  /** The YAML in block style, with its comments and the order of its keys. */
  readonly text: string;
  /** Values of the variables that the file uses, by name. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Reads and checks a cluster file. It does not look at anything else on the host.
 * @throws {ClusterFileError} with every problem of the file.
 * @throws {UserError} with exit code 2 when the file cannot be read.
 */
export function loadClusterFile(path: string, options: LoadOptions = {}): LoadedClusterFile {
  return parseClusterText(readText(path), { directory: dirname(resolve(path)), file: path, ...options });
}

/** The text of a file. Throws a `UserError` with exit code 2 when it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason =
      error instanceof Error && "code" in error && error.code === "ENOENT"
        ? "there is no such file"
        : String(error);
    throw new UserError(`${path}: ${reason}`, { exitCode: 2, cause: error });
  }
}

/** Checks the text of a cluster file, like `loadClusterFile`. */
export function parseClusterText(text: string, options: TextOptions = {}): LoadedClusterFile {
  const { document, lines, problems: unset } = expandedDocument(text, options);
  if (options.machines !== undefined && isMap(document.contents)) document.set("machines", options.machines);
  const values = valuesOf(document, options);
  const legacy = readLegacyKeys(values);
  const filled = fillGaps(values, options.file);
  const written = (problem: Problem): Problem => ({ ...problem, path: legacy.written(problem.path) });

  const parsed = parse(clusterFile, values);
  const surveyed = survey(values);
  const found = crossChecks(surveyed, options.hostBudget);
  const problems = [...("problems" in parsed ? parsed.problems : []), ...found.problems].map(written);
  // The value of an unset variable is unknown, so other problems with that value are dropped.
  const unknown = new Set(unset.map((problem) => problem.path));
  const all = [...unset, ...problems.filter((problem) => !unknown.has(problem.path))];
  if ("problems" in parsed || all.length > 0) throw failure(options, locate(all, document, lines));

  const leases = leaseWarnings(surveyed, deriveSite(parsed.value));
  return {
    config: parsed.value,
    warnings: locate(
      [...legacy.warnings, ...[...filled, ...found.warnings, ...leases].map(written)],
      document,
      lines,
    ),
  };
}

/**
 * Expands the variables of a cluster file. It checks nothing else.
 * @throws {ClusterFileError} with every YAML error, or every unset variable.
 */
export function renderTemplate(text: string, options: TextOptions = {}): RenderedTemplate {
  const { document, lines, problems, used } = expandedDocument(text, options);
  if (problems.length > 0) throw failure(options, locate(problems, document, lines));
  visit(document, {
    Collection(_key, node) {
      node.flow = false;
    },
  });
  return { text: document.toString({ lineWidth: 0 }), variables: Object.fromEntries(used) };
}

/** Reads yes, no, on and off as booleans, like PyYAML in the old ai-how. */
const pyYamlBooleans: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  test: /^(yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/,
  resolve: (word) => /^(yes|on)$/i.test(word),
  identify: () => false,
};

function expandedDocument(text: string, options: TextOptions) {
  const lines = new LineCounter();
  const document: Document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    customTags: [pyYamlBooleans],
  });
  if (document.errors.length > 0) throw failure(options, syntaxProblems(document, lines, "a cluster file"));
  // Only a file that contains ${ is a template; otherwise $NAME stays.
  if (!text.includes("${")) return { document, lines, problems: [], used: new Map<string, string>() };
  const cwd = options.cwd ?? process.cwd();
  const variables = templateVariables(options.directory ?? cwd, cwd, options.env ?? process.env);
  return { document, lines, ...expandDocument(document, variables) };
}

/** The plain values of a document, with aliases and merges resolved. */
function valuesOf(document: Document, options: TextOptions): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // yaml reports undefined and recursive aliases and invalid merges only here, without a position.
    if (!(error instanceof Error)) throw error;
    throw failure(options, [{ path: "", message: error.message }]);
  }
}

function failure(options: TextOptions, problems: readonly Problem[]): ClusterFileError {
  return new ClusterFileError(options.file ?? "cluster file", problems);
}
