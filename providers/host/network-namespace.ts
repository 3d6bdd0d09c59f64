import { readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";

/** A process, as /proc tells it. */
export interface Process {
  readonly pid: number;
  /** The kernel's short name of its program, at most 15 characters. */
  readonly name: string;
  /** True for the first process of a PID namespace: the others in it end with it. */
  readonly isInit: boolean;
}

// What keeps a sandbox's PID namespace open besides its first process.
const holders = ["sleep", "unshare"];

/** Where `ip netns` keeps a namespace. */
export function namespacePath(namespace: string): string {
  return `/run/netns/${namespace}`;
}

/** The inode that identifies a network namespace; undefined when no namespace is mounted at the path. */
async function namespaceInode(path: string): Promise<number | undefined> {
  try {
    const [there, here] = await Promise.all([stat(path), stat("/proc/self/ns/net")]);
    // A file that `ip netns add` made before it was killed is a plain file: it lies on another file system.
    return there.dev === here.dev ? there.ino : undefined;
  } catch {
    return undefined;
  }
}

export async function namespaceExists(namespace: string): Promise<boolean> {
  return (await namespaceInode(namespacePath(namespace))) !== undefined;
}

/** Makes the namespace if it is not there. */
export async function addNamespace(namespace: string): Promise<void> {
  if (await namespaceExists(namespace)) return;
  await rm(namespacePath(namespace), { force: true });
  await execa("ip", ["netns", "add", namespace]);
}

/** Gives a name to the namespace that a process is in. */
export async function attachNamespace(namespace: string, pid: number): Promise<void> {
  await rm(namespacePath(namespace), { force: true });
  await execa("ip", ["netns", "attach", namespace, String(pid)]);
}

/** Takes the namespace's name away; the kernel ends it with its last process. */
export async function removeNamespace(namespace: string): Promise<void> {
  if (await namespaceExists(namespace)) await execa("ip", ["netns", "delete", namespace]);
  else await rm(namespacePath(namespace), { force: true });
}

/** Every process in the namespace. */
export async function processesIn(namespace: string): Promise<Process[]> {
  const [inode, own] = await Promise.all([
    namespaceInode(namespacePath(namespace)),
    namespaceInode("/proc/self/ns/net"),
  ]);
  // Never the namespace that we live in ourselves, whatever somebody mounted there.
  if (inode === undefined || inode === own) return [];
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        if ((await readlink(`/proc/${pid}/ns/net`)) !== `net:[${inode}]`) return undefined;
        const status = await readFile(`/proc/${pid}/status`, "utf8");
        const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? "";
        return { pid, name, isInit: /^NSpid:\t\d+(\t\d+)*\t1$/m.test(status) };
      } catch {
        return undefined; // it ended meanwhile, or is a kernel thread
      }
    }),
  );
  return found.filter((process) => process !== undefined);
}

/** Ends every process in the namespace: asks first, and after `patience` milliseconds does not ask any more. */
export async function endProcessesIn(namespace: string, patience = 2000): Promise<void> {
  const started = Date.now();
  for (;;) {
    const processes = await processesIn(namespace);
    if (processes.length === 0) return;
    const waited = Date.now() - started;
    if (waited > patience + 10_000) {
      throw new Error(`cannot end ${processes.map(({ pid, name }) => `${name} (${pid})`).join(", ")}`);
    }
    // The first process of a PID namespace hears no SIGTERM, starts its sleep again, and takes all others with it: it
    // comes last.
    const onlyHolders = processes.every(({ isInit, name }) => isInit || holders.includes(name));
    const force = waited >= patience || onlyHolders;
    for (const { pid } of processes) {
      try {
        process.kill(pid, force ? "SIGKILL" : "SIGTERM");
      } catch {
        // it ended meanwhile
      }
    }
    await sleep(50);
  }
}
