import { access, constants, readdir, readFile, readlink, stat, statfs } from "node:fs/promises";
import { connect } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";

/** What a program said; `missing`: it is not installed. */
export type Said =
  | { readonly kind: "missing" }
  | { readonly kind: "said"; readonly exitCode: number; readonly stdout: string; readonly output: string };

export interface HostOptions {
  /** Where the file systems begin. Default `/`. */
  readonly root?: string;
  /** Search path of programs. Default: that of the environment, and system folders that a user's may lack. */
  readonly path?: string;
  /** Who asks. Default: who runs this. */
  readonly uid?: number | undefined;
  /** Bytes that a user may still write below a folder. Default: what its file system says. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

const ANSWER_MS = 30_000;

/** The host as a diagnosis reads it: files below a root and programs by a search path, so that tests have hosts of their own. */
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

  /** A file's text; undefined where it is not there. */
  text(path: string): Promise<string | undefined> {
    return readFile(join(this.root, path), "utf8").catch(() => undefined);
  }

  /** Names in a folder, sorted; none where it is not there. */
  async list(path: string): Promise<string[]> {
    return (await readdir(join(this.root, path)).catch(() => [])).toSorted();
  }

  /** What a link points to; undefined where it is none. */
  link(path: string): Promise<string | undefined> {
    return readlink(join(this.root, path)).catch(() => undefined);
  }

  /** Whether a file is there that the person who runs this may use so. */
  async may(path: string, mode = constants.F_OK): Promise<boolean> {
    return access(join(this.root, path), mode).then(
      () => true,
      () => false,
    );
  }

  /** Mode bits and group of a file; undefined where it is not there. */
  async permissions(path: string): Promise<{ mode: number; gid: number } | undefined> {
    const found = await stat(join(this.root, path)).catch(() => undefined);
    return found && { mode: found.mode & 0o777, gid: found.gid };
  }

  /** Where a program is; undefined where it is not installed. */
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

  /** Whether something accepts connections at a Unix socket. */
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

  /** Bytes that may still be written below a folder, which need not be there yet. */
  freeBytes(folder: string): Promise<number> {
    return this.#freeBytes(folder);
  }

  async run(program: string, ...args: readonly string[]): Promise<Said> {
    const result = await execa(program, args, {
      env: { PATH: this.#path, LC_ALL: "C" },
      reject: false,
      stdin: "ignore",
      all: true,
      timeout: ANSWER_MS,
    });
    if (result.code === "ENOENT") return { kind: "missing" };
    return {
      kind: "said",
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
