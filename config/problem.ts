import { UserError } from "./errors.ts";

/** One thing that is wrong in a cluster file, or worth a warning. */
export interface Problem {
  /** Where: `clusters.hpc.compute_nodes[1].ip`, spelled as in the file; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, and what to do where that is not obvious. */
  readonly message: string;
  /** Line in the file, from 1; missing where the text is not at hand. */
  readonly line?: number;
  /** Column in that line, from 1. */
  readonly column?: number;
}

/** `clusters.hpc.compute_nodes[1].ip: 10.0.0.300 is not an IPv4 address` */
export function formatProblem({ path, line, message }: Problem): string {
  if (path !== "") return oneLine(`${path}: ${message}`);
  return oneLine(line === undefined ? message : `line ${line}: ${message}`);
}

/** What quotes a file of somebody's, without the line breaks and control characters that may stand in it. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*\p{Cc}[\p{Cc}\s]*/gu, " ");
}

/** A cluster file that cannot be used, with every problem that it has. */
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

/** `compute_nodes[1].ip` from its steps. */
export function joinPath(base: string, ...steps: readonly PathStep[]): string {
  return steps.reduce<string>((path, step) => {
    if (typeof step === "number") return `${path}[${step}]`;
    return path === "" ? step : `${path}.${step}`;
  }, base);
}
