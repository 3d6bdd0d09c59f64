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

/** Where a cluster file is read. */
export interface LoadOptions {
  /** Variables for `${NAME}`. Default: the environment of the process. */
  readonly env?: Variables;
  /** Absolute path that `PWD` stands for. Default: the working directory of the process. */
  readonly cwd?: string;
  /** Replaces `machines` of the file, before anything is checked. Default: as in the file. */
  readonly machines?: ClusterFile["machines"] | undefined;
  /** What the host has, where the file has no `host`. Default: not checked. */
  readonly hostBudget?: HostBudgetConfig;
}

/** Where a text comes from that is not read from a file here. */
export interface TextOptions extends LoadOptions {
  /** Name of the file in messages. Default: `cluster file`. */
  readonly file?: string;
  /** Absolute path of the folder that the file is in, for `TOT`. Default: `cwd`. */
  readonly directory?: string;
}

/** A cluster file that is valid. */
export interface LoadedClusterFile {
  readonly config: ClusterFile;
  /** What the user should know though it stops nothing; old keys give one each. */
  readonly warnings: readonly Problem[];
}

/** A cluster file with its variables expanded. */
export interface RenderedTemplate {
  /** The YAML in block style, with its comments and the order of its keys. */
  readonly text: string;
  /** The variables that were used, by name. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Reads a cluster file. Only the file is read: nothing on the host is asked or changed.
 * @throws {ClusterFileError} with every problem of the file; `UserError` with exit code 2 when it cannot be read.
 */
export function loadClusterFile(path: string, options: LoadOptions = {}): LoadedClusterFile {
  return parseClusterText(readText(path), { directory: dirname(resolve(path)), file: path, ...options });
}

/** The text of a file, for `parseClusterText` and `renderTemplate`. */
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

/** As `loadClusterFile`, of a text. */
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
  // What a value with an unset variable would have been is not known, so nothing else is said about it.
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
 * Expands the variables of a cluster file, without checking anything else.
 * @throws {ClusterFileError} for bad YAML, and for every variable that is not set.
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

/** yes, no, on and off are booleans, as for PyYAML, which read these files before. */
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
  // A file without ${ is no template: a bare $NAME in it stays.
  if (!text.includes("${")) return { document, lines, problems: [], used: new Map<string, string>() };
  const cwd = options.cwd ?? process.cwd();
  const variables = templateVariables(options.directory ?? cwd, cwd, options.env ?? process.env);
  return { document, lines, ...expandDocument(document, variables) };
}

/** The plain values of a document, aliases and merges resolved. */
function valuesOf(document: Document, options: TextOptions): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // An alias without its anchor, aliases without end, a merge of what is no map: found only now, and without a place.
    if (!(error instanceof Error)) throw error;
    throw failure(options, [{ path: "", message: error.message }]);
  }
}

function failure(options: TextOptions, problems: readonly Problem[]): ClusterFileError {
  return new ClusterFileError(options.file ?? "cluster file", problems);
}
