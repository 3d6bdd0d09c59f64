import { constants } from "node:fs";
import { lstat, mkdir, open, readFile, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type InputsOf, ProviderError, resourceType } from "../framework/resource.ts";

export const folderSchemas = {
  /** Where it is; absolute. */
  path: z.string().regex(/^\/[^\n]*[^/\n]$/, "must be an absolute path without a slash at its end"),
  /** Number of its owner. */
  uid: z.int().min(0),
  /** Number of its group. */
  gid: z.int().min(0),
  /** In octal, `0755`. */
  mode: z.string().regex(/^0[0-7]{3}$/, "must be a mode such as 0755"),
  /** Text files in it, by their names; everybody may read them. Default none. */
  files: z.record(z.string().regex(/^[\w-][\w.-]*$/, "must be the name of a file"), z.string()).default({}),
};

type FolderInputs = InputsOf<typeof folderSchemas>;

type FolderState = FolderInputs & {
  /** Whether this resource created the folder. Only then does it remove it. */
  made: boolean;
};

const FILE_MODE = 0o644;

/**
 * `host:index:Folder`: a folder of this host with its owner and mode, and small files in it. Files of others in it are never
 * changed or removed, and the folder is kept as long as there are any.
 */
export const folder = resourceType<unknown, FolderInputs, FolderState>({
  token: "host:index:Folder",
  inputs: folderSchemas,
  changes: { uid: "update", gid: "update", mode: "update", files: "update" },
  deleteBeforeReplace: true,
  identify: ({ path }) => path,

  async create(inputs) {
    const { path } = inputs;
    if (!(await isFolder(path))) {
      // Its parents are open to everybody, whatever the umask is.
      const first = await mkdir(path, { recursive: true, mode: 0o755 }).catch(permissionError(path));
      await settle(inputs, {});
      return { id: path, inputs, state: { ...inputs, made: first !== undefined } };
    }
    await settle(inputs, {});
    return { id: path, inputs, state: { ...inputs, made: false } };
  },

  async read(id, last) {
    if (last === undefined || !(await isFolder(id))) return undefined;
    const { uid, gid, mode } = await lstat(id);
    const files: Record<string, string> = {};
    for (const name of Object.keys(last.inputs.files)) {
      const text = await readFile(join(id, name), "utf8").catch(unlessMissing);
      if (text !== undefined) files[name] = text;
    }
    const inputs = { path: id, uid, gid, mode: `0${(mode & 0o777).toString(8).padStart(3, "0")}`, files };
    return { id, inputs, state: { ...inputs, made: last.state.made } };
  },

  async update(id, was, inputs) {
    await settle(inputs, was.inputs.files);
    return { id, inputs, state: { ...inputs, made: was.state.made } };
  },

  async delete(id, { inputs, state }, { log }) {
    for (const [name, text] of Object.entries(inputs.files)) await removeUnchanged(join(id, name), text);
    if (!state.made) return;
    await rmdir(id).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error)) throw error;
      if (error.code !== "ENOENT") log(`${id} stays: it is not empty (${String(error.code)})`);
    });
  },
});

/**
 * Sets a folder's owner and mode and writes our files, all through one handle: we are root, and the folder's owner could replace
 * any path by a link.
 */
async function settle(
  { path, uid, gid, mode, files }: FolderInputs,
  before: Readonly<Record<string, string>>,
): Promise<void> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const handle = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(permissionError(path));
  try {
    await handle.chown(uid, gid);
    await handle.chmod(Number.parseInt(mode, 8));
    const inside = `/proc/self/fd/${handle.fd}`;
    for (const [name, text] of Object.entries(before))
      if (files[name] === undefined) await removeUnchanged(join(inside, name), text);
    for (const [name, text] of Object.entries(files)) await write(join(inside, name), text, { uid, gid });
  } catch (error) {
    permissionError(path)(error);
  } finally {
    await handle.close();
  }
}

/** Writes a file atomically: a reader sees the old text or the new one. A link in its place is replaced, not followed. */
async function write(file: string, text: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  const draft = `${file}.new`;
  await rm(draft, { force: true });
  const handle = await open(draft, "wx", FILE_MODE);
  try {
    await handle.writeFile(text);
    await handle.chmod(FILE_MODE);
    await handle.chown(uid, gid);
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

/** Removes a file unless somebody has changed it. */
async function removeUnchanged(file: string, text: string): Promise<void> {
  if ((await readFile(file, "utf8").catch(unlessMissing)) === text) await rm(file);
}

async function isFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(unlessMissing);
  if (found !== undefined && !found.isDirectory())
    throw new ProviderError(`${path} exists and is not a folder; move it away`);
  return found !== undefined;
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
    return undefined;
  throw error;
}

function permissionError(path: string) {
  return (error: unknown): never => {
    if (error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM"))
      throw new ProviderError(`${path} cannot be created with its owner (${error.code}); run this with sudo`);
    throw error;
  };
}
