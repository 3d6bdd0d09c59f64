import { access, constants, readdir, readFile, readlink, stat, statfs } from "node:fs/promises";
import { connect } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";

/** The result of a program; `missing`: not installed. */
export type ProgramResult =
  | { readonly kind: "missing" }
  | { readonly kind: "ended"; readonly exitCode: number; readonly stdout: string; readonly output: string };

export interface HostOptions {
  /** Root of the file systems. Default `/`. */
  readonly root?: string;
  /** Search path of programs. Default: PATH and the `sbin` folders, which a user's PATH may lack. */
  readonly path?: string;
  /** User number. Default: the current user's. */
  readonly uid?: number | undefined;
  /** Free bytes below a folder. Default: as its file system reports. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

const ANSWER_MS = 30_000;

/** The host that is checked. Tests give it another root and search path. */
export class Host {
  readonly root: string;
  readonly uid: number | undefined;
  readonly #path: string;
  readonly #freeBytes: (folder: string) => Promise<number>;

  constructor({ root = "/", path, uid = process.getuid?.(), freeBytes }: HostOptions = {}) {
    this.root = root;
    this.uid = uid;
    this.#path = path ?? [process.env.PATH ?? "", "/usr/sbin", "/sbin"].join(delimiter);
    this.#freeBytes = freeBytes ?? ((folder) => available(join(root, folder)));
  }

  /** A file's text; undefined: no such file. */
  text(path: string): Promise<string | undefined> {
    return readFile(join(this.root, path), "utf8").catch(() => undefined);
  }

  /** Sorted names in a folder; empty: no such folder. */
  async list(path: string): Promise<string[]> {
    return (await readdir(join(this.root, path)).catch(() => [])).toSorted();
  }

  /** The target of a symbolic link; undefined: no such link. */
  link(path: string): Promise<string | undefined> {
    return readlink(join(this.root, path)).catch(() => undefined);
  }

  /** True if the current user has this access to a file. */
  async may(path: string, mode = constants.F_OK): Promise<boolean> {
    return access(join(this.root, path), mode).then(
      () => true,
      () => false,
    );
  }

  /** Mode bits and group of a file; undefined: no such file. */
  async permissions(path: string): Promise<{ mode: number; gid: number } | undefined> {
    const found = await stat(join(this.root, path)).catch(() => undefined);
    return found && { mode: found.mode & 0o777, gid: found.gid };
  }

  /** Path of a program; undefined: not installed. */
  async find(program: string): Promise<string | undefined> {
    for (const folder of this.#path.split(delimiter).filter((each) => each !== "")) {
      const file = join(folder, program);
      const isThere = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return file;
    }
    return undefined;
  }

  /** True if a Unix socket accepts connections. */
  answers(path: string): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(join(this.root, path));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => {
        resolve(false);
      });
    });
  }

  /** Free bytes below a folder, which need not exist yet. */
  freeBytes(folder: string): Promise<number> {
    return this.#freeBytes(folder);
  }

  async run(program: string, ...args: readonly string[]): Promise<ProgramResult> {
    const result = await execa(program, args, {
      env: { PATH: this.#path, LC_ALL: "C" },
      reject: false,
      stdin: "ignore",
      all: true,
      timeout: ANSWER_MS,
    });
    if (result.code === "ENOENT") return { kind: "missing" };
    return {
      kind: "ended",
      exitCode: result.exitCode ?? 1,
      stdout: result.stdout,
      output: result.timedOut ? `no answer in ${ANSWER_MS / 1000} s` : result.all.trim(),
    };
  }
}

async function available(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return dirname(folder) === folder ? 0 : available(dirname(folder));
  }
}
