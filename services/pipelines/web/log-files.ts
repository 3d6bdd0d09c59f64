import { constants } from "node:fs";
import { open, readlink, realpath, type FileHandle } from "node:fs/promises";
import { join, sep } from "node:path";

/**
 * Opens a file of the log folder for reading. Undefined if it is missing or not a regular file, or if `..` or a symbolic link
 * leads out of the folder. Checks the opened file, not its name.
 */
export async function openLog(directory: string, name: string): Promise<FileHandle | undefined> {
  if (name === "" || name.includes("\0")) return undefined;
  let file: FileHandle | undefined;
  try {
    const root = await realpath(directory);
    // Without O_NONBLOCK, opening a named pipe would wait for ever.
    file = await open(join(root, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const [found, status] = await Promise.all([readlink(`/proc/self/fd/${file.fd}`), file.stat()]);
    if (found.startsWith(root + sep) && status.isFile()) return file;
    await file.close();
    return undefined;
  } catch (error) {
    await file?.close();
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const MISSING = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENAMETOOLONG", "ENXIO", "EISDIR"]);

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && MISSING.has(String(error.code));
}
