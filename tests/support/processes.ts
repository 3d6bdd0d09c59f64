import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process of this host, those in containers included. */
export interface HostProcess {
  readonly pid: number;
  readonly arguments: readonly string[];
  /** `net:[4026531840]` */
  readonly networkNamespace: string;
  readonly mountNamespace: string;
  readonly mounts: string;
  readonly environment: string;
}

/** Every process that is there now; kernel threads and zombies have no arguments and are left out. */
export function processes(): HostProcess[] {
  return pids().flatMap((pid) => {
    const found = commandLine(pid);
    if (found.length === 0) return [];
    return [
      {
        pid,
        arguments: found,
        networkNamespace: link(`/proc/${pid}/ns/net`),
        mountNamespace: link(`/proc/${pid}/ns/mnt`),
        mounts: text(`/proc/${pid}/mountinfo`),
        environment: text(`/proc/${pid}/environ`),
      },
    ];
  });
}

/** Looks at the command line of every process many times a second, as anybody on the host could. */
export class CommandLineWatch {
  readonly #seen = new Set<string>();
  /** How often each process was looked at since it was first there. */
  #looks = new Map<number, number>();
  #rounds = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer ??= setInterval(() => {
      this.look();
    }, 50);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A new process every time, as it may become another program; one that has been there for a while, every second. */
  look(): void {
    const isFull = (this.#rounds += 1) % 20 === 0;
    const looks = new Map<number, number>();
    for (const pid of pids()) {
      const before = this.#looks.get(pid) ?? 0;
      looks.set(pid, before + 1);
      if (before > 20 && !isFull) continue;
      const found = commandLine(pid);
      if (found.length > 0) this.#seen.add(found.join(" "));
    }
    this.#looks = looks;
  }

  /** Every command line that was seen, once. */
  get seen(): ReadonlySet<string> {
    return this.#seen;
  }
}

export function isAlive(pid: number): boolean {
  return commandLine(pid).length > 0;
}

function pids(): number[] {
  return readdirSync("/proc").flatMap((entry) => (/^\d+$/.test(entry) ? [Number(entry)] : []));
}

function commandLine(pid: number): string[] {
  return text(`/proc/${pid}/cmdline`)
    .split("\0")
    .filter((argument) => argument !== "");
}

/** The text of a file of /proc; empty when its process has ended. */
function text(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}
