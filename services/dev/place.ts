import { accessSync, chmodSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../../config/errors.ts";
import { projectFolders, projectRoot, type ProjectFolder } from "../../config/project-folders.ts";

// What engines take in a container's name, and what leads out of no folder.
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Where the files of a project's containers are: SYGALDRY_CONTAINER_ROOT, else the project's folder of the documented base. */
export function containerRoot(project: string): string {
  return process.env.SYGALDRY_CONTAINER_ROOT ?? projectRoot(project);
}

/**
 * @param option what it came from, for the message
 * @throws UserError for names that no container can have
 */
export function checkName(option: string, name: string): void {
  if (!NAME.test(name))
    throw new UserError(
      `${option}: ${JSON.stringify(name)} is no name: letters, digits, dots, dashes and underscores, the first a letter or digit`,
      { exitCode: 2 },
    );
}

/** The project that a folder belongs to: the nearest one above it with a repository, else itself. */
export function findProjectRoot(folder: string): string {
  const from = resolve(folder);
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (at === dirname(at)) return from;
  }
}

/**
 * SYGALDRY_PROJECT_ID, else the name of the project's folder.
 * @throws UserError where that is no name for a container
 */
export function projectId(projectRoot: string): string {
  const asked = process.env.SYGALDRY_PROJECT_ID ?? "";
  const name = asked === "" ? basename(resolve(projectRoot)) : asked;
  checkName(asked === "" ? "SYGALDRY_PROJECT_ID, by default the folder's name" : "SYGALDRY_PROJECT_ID", name);
  return name;
}

/**
 * Makes a project's folders, so that they belong to whoever starts a container and not to the engine. What is there keeps its
 * owner and mode.
 * @throws UserError where one cannot be made, or where containers of this user could not write
 */
export function makeFolders(root: string): void {
  for (const [name, { target, mode }] of Object.entries<ProjectFolder>(projectFolders)) {
    const folder = join(root, name);
    try {
      // Whatever the umask: a folder that is made is exactly so.
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
      `${folder}: is user ${statSync(folder).uid}'s, and you, ${process.getuid?.()}, cannot write there; \`sudo chown -R ${process.getuid?.()}:${process.getgid?.()} ${folder}\``,
    );
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR" || code === "EEXIST")
    return new UserError(
      `${folder}: cannot be made: ${code}; make it yourself, or name another place in SYGALDRY_CONTAINER_ROOT`,
    );
  return error;
}
