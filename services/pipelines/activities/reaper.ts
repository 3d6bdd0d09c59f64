import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Writable } from "node:stream";

/** What ends with the worker: a process group by its leader's number, or a container by its name. */
export type Mortal = `group ${number}` | `container ${string}`;

const mortals = new Set<Mortal>();
let input: Writable | undefined;

/**
 * Ends a process group or container when this process ends, even by SIGKILL, unless the returned function was called before.
 * A separate program does it, as children of a step's program would otherwise continue.
 */
export function endWithWorker(mortal: Mortal): () => void {
  mortals.add(mortal);
  if (input === undefined) input = startReaper();
  else input.write(`+${mortal}\n`);
  return () => {
    mortals.delete(mortal);
    input?.write(`-${mortal}\n`);
  };
}

/** Starts the program with the current list. */
function startReaper(): Writable {
  const child = spawn(join(import.meta.dirname, "reaper.sh"), {
    stdio: ["pipe", "ignore", "ignore"],
    // In its own process group, so that a signal to the worker's group does not end it.
    detached: true,
  });
  const forget = (): void => {
    if (input === child.stdin) input = undefined;
  };
  child.on("error", forget).on("exit", forget).unref();
  child.stdin.on("error", forget);
  // Neither the program nor the socket to it keeps an idle worker alive.
  if (child.stdin instanceof Socket) child.stdin.unref();
  for (const mortal of mortals) child.stdin.write(`+${mortal}\n`);
  return child.stdin;
}
