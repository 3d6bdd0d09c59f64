import { accessSync, chmodSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../../config/errors.ts";
import { projectFolders, projectRoot, type ProjectFolder } from "../../config/project-folders.ts";

// Valid in a container's name, and as the name of a folder.
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Folder for a project's home, logs and caches: SYGALDRY_CONTAINER_ROOT, otherwise the project's folder below the documented base. */
export function containerRoot(project: string): string {
  return process.env.SYGALDRY_CONTAINER_ROOT ?? projectRoot(project);
}

/**
 * @param option where the name comes from, for the message
 * @throws UserError for an invalid name
 */
export function checkName(option: string, name: string): void {
  if (!NAME.test(name))
    throw new UserError(
      `${option}: ${JSON.stringify(name)} is not a valid name: use letters, digits, dots, dashes and underscores, and begin with a letter or digit`,
      { exitCode: 2 },
    );
}

/** The repository around a folder, otherwise the folder itself. */
export function findProjectRoot(folder: string): string {
  const from = resolve(folder);
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (at === dirname(at)) return from;
  }
}

/**
 * SYGALDRY_PROJECT_ID, otherwise the name of the project's folder.
 * @throws UserError for an invalid name
 */
export function projectId(projectRoot: string): string {
  const asked = process.env.SYGALDRY_PROJECT_ID ?? "";
  const name = asked === "" ? basename(resolve(projectRoot)) : asked;
  checkName(asked === "" ? "SYGALDRY_PROJECT_ID, by default the folder's name" : "SYGALDRY_PROJECT_ID", name);
  return name;
}

/**
 * Makes a project's missing folders; otherwise the container runtime would, as root. Existing ones keep owner and mode.
 * @throws UserError if a folder cannot be made, or if this user cannot write to it
 */
export function makeFolders(root: string): void {
  for (const [name, { target, mode }] of Object.entries<ProjectFolder>(projectFolders)) {
    const folder = join(root, name);
    try {
      // chmod, as mkdir applies the umask.
      if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, mode);
      if (target !== undefined) accessSync(folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw unusable(folder, error);
    }
  }
}

function unusable(folder: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EACCES" && existsSync(folder))
    return new UserError(
      `${folder}: belongs to user ${statSync(folder).uid}, and you, ${process.getuid?.()}, cannot write to it; run \`sudo chown -R ${process.getuid?.()}:${process.getgid?.()} ${folder}\``,
    );
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR" || code === "EEXIST")
    return new UserError(
      `${folder}: cannot be made: ${code}; make it yourself, or set SYGALDRY_CONTAINER_ROOT to another folder`,
    );
  return error;
}
