import { link, mkdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { z } from "zod";
import { UserError } from "../../config/errors.ts";
import { parseJson } from "./state.ts";

const holderSchema = z.object({
  pid: z.number(),
  started: z.string(),
  host: z.string(),
  operation: z.string(),
});

/**
 * Locks a stack and returns the function that unlocks it. Takes over the lock of a process on this host that has ended.
 * @throws UserError that names the holder of the lock
 */
export async function lockStack(file: string, operation: string): Promise<() => Promise<void>> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const own = `${file}.${process.pid}`;
  const started = await startTime(process.pid);
  await writeFile(own, JSON.stringify({ pid: process.pid, started, host: hostname(), operation }), {
    mode: 0o600,
  });
  try {
    // A link appears with its content, so no process can read an incomplete lock.
    while (!(await tryLink(own, file))) {
      const holder = holderSchema.safeParse(parseJson(await readFile(file, "utf8").catch(() => "")));
      if (!holder.success)
        throw new UserError(`${file}: this lock is not valid; remove it if no ai-how is running`);
      const { pid, host } = holder.data;
      if (host !== hostname() || (await startTime(pid)) === holder.data.started) {
        throw new UserError(
          `another \`ai-how ${holder.data.operation}\` is working on this stack: process ${pid} on ${host}; wait for it, or end it` +
            (host === hostname() ? "" : `; if it has ended, remove ${file}`),
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

/** When a process started, in clock ticks since boot: distinguishes it from a later one with the same id. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The command name, in parentheses, can contain spaces. The start time is field 22, the 20th after the name.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "gone";
}
