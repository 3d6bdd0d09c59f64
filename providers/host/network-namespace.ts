import { readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";

/** A process, as /proc describes it. */
export interface Process {
  readonly pid: number;
  /** The kernel's short name of its program, at most 15 characters. */
  readonly name: string;
  /** True for the first process of a PID namespace: the kernel ends all others with it. */
  readonly isInit: boolean;
}

// Programs that keep a sandbox's PID namespace open, besides its first process.
const holders = ["sleep", "unshare"];

/** Where `ip netns` keeps a namespace. */
export function namespacePath(namespace: string): string {
  return `/run/netns/${namespace}`;
}

/** The inode that identifies a network namespace; undefined when no namespace is mounted at the path. */
async function namespaceInode(path: string): Promise<number | undefined> {
  try {
    const [there, here] = await Promise.all([stat(path), stat("/proc/self/ns/net")]);
    // If `ip netns add` was killed, the path is a plain file, on another file system than namespaces.
    return there.dev === here.dev ? there.ino : undefined;
  } catch {
    return undefined;
  }
}

export async function namespaceExists(namespace: string): Promise<boolean> {
  return (await namespaceInode(namespacePath(namespace))) !== undefined;
}

/** Creates the namespace unless it exists. */
export async function addNamespace(namespace: string): Promise<void> {
  if (await namespaceExists(namespace)) return;
  await rm(namespacePath(namespace), { force: true });
  await execa("ip", ["netns", "add", namespace]);
}

/** Names the namespace of a process. */
export async function attachNamespace(namespace: string, pid: number): Promise<void> {
  await rm(namespacePath(namespace), { force: true });
  await execa("ip", ["netns", "attach", namespace, String(pid)]);
}

/** Removes the namespace's name; the kernel removes the namespace with its last process. */
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
  // Never this process's own namespace, even if somebody has mounted it there.
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

/** Ends every process in the namespace: by SIGTERM, and after `patience` milliseconds by SIGKILL. */
export async function endProcessesIn(namespace: string, patience = 2000): Promise<void> {
  const started = Date.now();
  for (;;) {
    const processes = await processesIn(namespace);
    if (processes.length === 0) return;
    const waited = Date.now() - started;
    if (waited > patience + 10_000) {
      throw new Error(`cannot end ${processes.map(({ pid, name }) => `${name} (${pid})`).join(", ")}`);
    }
    // The first process of a PID namespace ignores SIGTERM and starts its sleep again. Killing it kills all others, so it
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
