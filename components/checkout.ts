import { join, relative } from "node:path";

/**
 * A file of this repository by its path below the repository, seen from the working directory: commands run there, and a state
 * that holds the path outlives a move of both.
 */
export function inCheckout(path: string): string {
  return relative(process.cwd(), join(import.meta.dirname, "..", path));
}
