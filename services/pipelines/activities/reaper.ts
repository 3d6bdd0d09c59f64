import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Writable } from "node:stream";

/** What is ended with the worker: a process group by the number of its leader, or a container by its name. */
export type Mortal = `group ${number}` | `container ${string}`;

const mortals = new Set<Mortal>();
let input: Writable | undefined;

/**
 * Has something ended when this process is gone, be it by SIGKILL, until the returned function is called. A program beside
 * the worker sees to it: what a step's program has started itself would live on.
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

/** Starts the program with all that there is. */
function startReaper(): Writable {
  const child = spawn(join(import.meta.dirname, "reaper.sh"), {
    stdio: ["pipe", "ignore", "ignore"],
    // What ends the worker by its process group must not end it.
    detached: true,
  });
  const forget = (): void => {
    if (input === child.stdin) input = undefined;
  };
  child.on("error", forget).on("exit", forget).unref();
  child.stdin.on("error", forget);
  // A pipe to a child is a socket; it must not keep a worker that has nothing more to do.
  if (child.stdin instanceof Socket) child.stdin.unref();
  for (const mortal of mortals) child.stdin.write(`+${mortal}\n`);
  return child.stdin;
}
