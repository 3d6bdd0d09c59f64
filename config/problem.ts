import { UserError } from "./errors.ts";

/** A problem or a warning about a cluster file. */
export interface Problem {
  /** Path in the file, `clusters.hpc.compute_nodes[1].ip`; empty for the whole file. */
  readonly path: string;
  /** What is wrong, and what to do if that is not obvious. */
  readonly message: string;
  /** Line in the file, from 1. Default: unknown. */
  readonly line?: number;
  /** Column in the line, from 1. Default: unknown. */
  readonly column?: number;
}

/** `clusters.hpc.compute_nodes[1].ip: 10.0.0.300 is not an IPv4 address` */
export function formatProblem({ path, line, message }: Problem): string {
  if (path !== "") return oneLine(`${path}: ${message}`);
  return oneLine(line === undefined ? message : `line ${line}: ${message}`);
}

/** The text on one line: runs of control characters, which a quoted file may contain, become a space. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*\p{Cc}[\p{Cc}\s]*/gu, " ");
}

/** A cluster file is invalid; lists every problem. */
export class ClusterFileError extends UserError {
  override readonly name = "ClusterFileError";
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super(`${file}: ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}`, {
      details: problems.map(formatProblem),
    });
    this.problems = problems;
  }
}

/** A step from a value to one of its parts: a key, or an index from 0. */
export type PathStep = string | number;

/** Appends steps to a path: `compute_nodes[1].ip`. */
export function joinPath(base: string, ...steps: readonly PathStep[]): string {
  return steps.reduce<string>((path, step) => {
    if (typeof step === "number") return `${path}[${step}]`;
    return path === "" ? step : `${path}.${step}`;
  }, base);
}
