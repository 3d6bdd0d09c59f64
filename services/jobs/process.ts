import { readFileSync } from "node:fs";
import { z } from "zod";

/** Identifies a process even if another one has its number later or after a reboot. */
export const processSchema = z.object({
  pid: z.int(),
  /** Start time in clock ticks since boot. */
  began: z.string(),
  boot: z.string(),
});
export type ProcessIdentity = z.output<typeof processSchema>;

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, began: beginning(process.pid) ?? "", boot: bootId() };
}

export function isAlive({ pid, began, boot }: ProcessIdentity): boolean {
  return boot === bootId() && beginning(pid) === began;
}

export function isSame(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.began === other.began && one.boot === other.boot;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function beginning(pid: number): string | undefined {
  try {
    // The command name, in parentheses, can contain spaces. The start time is field 22.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
