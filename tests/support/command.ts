import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { join } from "node:path";
import { repository } from "./project.ts";

/** What a command said until it ended. */
export interface Said {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  /** Standard output and error, as they came. */
  readonly output: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly minutes?: number;
}

/** A command that runs. */
export class Running {
  readonly pid: number;
  readonly ended: Promise<Said>;
  #output = "";
  #isOver = false;

  constructor(program: string, args: readonly string[], options: CommandOptions = {}) {
    const child = execa(program, args, {
      cwd: repository,
      env: { NO_COLOR: "1", ...options.env },
      ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
      all: true,
      reject: false,
      timeout: (options.minutes ?? 15) * 60_000,
    });
    if (child.pid === undefined) throw new Error(`${program} does not start`);
    this.pid = child.pid;
    child.all.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    this.ended = child.then(({ exitCode, signal, stdout, all }) => {
      this.#isOver = true;
      return { exitCode, signal, stdout, output: all };
    });
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves once the output has this; fails when the command ends before. */
  async until(pattern: RegExp, seconds = 600): Promise<void> {
    for (const deadline = Date.now() + seconds * 1000; !pattern.test(this.#output);) {
      if (this.#isOver) throw new Error(`it ended without ${String(pattern)}:\n${this.#output}`);
      if (Date.now() > deadline) throw new Error(`no ${String(pattern)} in ${seconds} s:\n${this.#output}`);
      await sleep(20);
    }
  }

  /** SIGKILL, which nobody can catch; resolves when it has ended. */
  async kill(): Promise<Said> {
    process.kill(this.pid, "SIGKILL");
    return this.ended;
  }
}

/** The real command, in a process of its own. */
export const aiHowCommand = join(repository, "bin", "ai-how");

/** Runs `ai-how` to its end. */
export function aiHow(args: readonly string[], options: CommandOptions = {}): Promise<Said> {
  return new Running(aiHowCommand, args, options).ended;
}
