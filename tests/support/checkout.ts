import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { execa } from "execa";
import { repository } from "./project.ts";

const LEFT_OUT = new Set([".git", ".ai-how", ".venv", "node_modules"]);

interface Run {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  /** What it printed, errors as well. */
  readonly all: string;
}

/** A copy of this repository in a folder of its own, with what was installed here. */
export class Checkout {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async copy(): Promise<Checkout> {
    const root = await mkdtemp(join(tmpdir(), "ai-how-checkout-"));
    await cp(repository, root, {
      recursive: true,
      filter: (source) => !LEFT_OUT.has(relative(repository, source)),
    });
    for (const part of ["node_modules", ".venv"]) await symlink(join(repository, part), join(root, part));
    return new Checkout(root);
  }

  /** Runs a command in it, in-process where it runs the program; `all` is what it printed. */
  async run(command: string, ...args: string[]): Promise<Run> {
    const { exitCode, stdout, all } = await execa(command, args, {
      cwd: this.root,
      reject: false,
      all: true,
      env: {
        PATH: `${join(this.root, "node_modules/.bin")}:${process.env.PATH ?? ""}`,
        AI_HOW_ENGINE: "in-process",
      },
    });
    return { exitCode, stdout, all };
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
