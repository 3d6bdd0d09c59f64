import { ClusterFileError, type Problem } from "../../../config/index.ts";

/** The problems that loading reports; empty on success. */
export function problemsOf(load: () => unknown): readonly Problem[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ClusterFileError) return error.problems;
    throw error;
  }
}

/** The same problems as the lines that a user sees. */
export function problemLines(load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ClusterFileError) return error.details;
    throw error;
  }
}
