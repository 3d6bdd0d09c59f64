import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** SHA-256, in hexadecimal, of the paths, contents and executable bits of a folder's files. */
export function folderDigest(folder: string): string {
  const hash = createHash("sha256");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) {
    const content = createHash("sha256").update(readFileSync(file)).digest("hex");
    const isProgram = (statSync(file).mode & 0o111) !== 0;
    hash.update(`${JSON.stringify([relative(folder, file), isProgram, content])}\n`);
  }
  return hash.digest("hex");
}
