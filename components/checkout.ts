import { join, relative } from "node:path";

/**
 * The path of a file of this repository, relative to the working directory. Commands run there, and a stack's state keeps
 * the path, so a relative one stays valid when the checkout moves.
 * @param path relative to the root of the repository
 */
export function inCheckout(path: string): string {
  return relative(process.cwd(), join(import.meta.dirname, "..", path));
}
