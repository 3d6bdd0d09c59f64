import { link, mkdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { z } from "zod";
import { UserError } from "../../config/errors.ts";

const holderSchema = z.object({
  pid: z.number(),
  started: z.string(),
  host: z.string(),
  operation: z.string(),
});

/**
 * Takes the lock of a stack, or says who holds it. The lock of a process that is no more, on this host, is taken over.
 * Returns the function that gives it back.
 */
export async function lockStack(file: string, operation: string): Promise<() => Promise<void>> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const own = `${file}.${process.pid}`;
  const started = await startTime(process.pid);
  await writeFile(own, JSON.stringify({ pid: process.pid, started, host: hostname(), operation }), {
    mode: 0o600,
  });
  try {
    // A link appears with its content: nobody ever reads a lock that is half written.
    while (!(await tryLink(own, file))) {
      const holder = holderSchema.safeParse(parse(await readFile(file, "utf8").catch(() => "")));
      if (!holder.success)
        throw new UserError(`${file}: this lock is not readable; remove it if no ai-how is running`);
      const { pid, host } = holder.data;
      if (host !== hostname() || (await startTime(pid)) === holder.data.started) {
        throw new UserError(
          `another \`ai-how ${holder.data.operation}\` is at work on this stack: process ${pid} on ${host}; wait for it, or end it` +
            (host === hostname() ? "" : `; if it is gone, remove ${file}`),
        );
      }
      await rm(file, { force: true });
    }
  } finally {
    await unlink(own);
  }
  return () => rm(file, { force: true });
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** When a process started, in clock ticks since boot: tells it from a later one with the same id. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The name, in parentheses, may hold spaces; the 22nd field overall is the 20th after it.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "gone";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
