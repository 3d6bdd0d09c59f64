import { ClusterFileError, type Problem } from "../../../config/index.ts";

/** The problems that a load reports; none when it succeeds. */
export function problemsOf(load: () => unknown): readonly Problem[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ClusterFileError) return error.problems;
    throw error;
  }
}

/** The same as the lines that a user sees. */
export function problemLines(load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ClusterFileError) return error.details;
    throw error;
  }
}
