import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";
import dockerIgnore from "@balena/dockerignore";

/** Paths of the files that Docker gets of a build's folder: all that its .dockerignore does not leave out, in order. */
export function contextFiles(folder: string): string[] {
  const ignored = dockerIgnore.default({ ignorecase: false }).add(readIfThere(join(folder, ".dockerignore")));
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !ignored.ignores(path))
    .sort();
}

/** A digest of a build's files, their names and their modes: what the image is made from, besides arguments. */
export function contextDigest(folder: string): string {
  const hash = createHash("sha256");
  for (const path of contextFiles(folder)) {
    const file = join(folder, path);
    const status = lstatSync(file);
    const content = status.isSymbolicLink() ? readlinkSync(file) : readFileSync(file);
    const digest = createHash("sha256").update(content).digest("hex");
    hash.update(`${path}\0${(status.mode & 0o170_111).toString(8)}\0${digest}\0`);
  }
  return hash.digest("hex");
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
