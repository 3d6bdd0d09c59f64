import { resolve } from "node:path";
import { execa } from "execa";
import { z } from "zod";

/** Address, account and expected host key of a machine, as `ansible/ssh` takes them. */
export const sshEndpoint = z.object({
  address: z.string().min(1),
  port: z.int().min(1).max(65535),
  user: z.string().min(1),
  hostKey: z.string().min(1),
  proxyCommand: z.string().min(1).optional(),
  privateKey: z.string().min(1).optional(),
  privateKeyPath: z.string().min(1).optional(),
});

export type SshEndpoint = z.output<typeof sshEndpoint>;

/** A command's output, or why it failed. */
export type SshAnswer = { readonly stdout: string } | { readonly failure: string };

export interface SshOptions {
  /** Seconds to wait for a machine that is booting. Default 0: one attempt. */
  readonly waitSeconds?: number;
  /** Time limit of the command in seconds; default none. */
  readonly timeoutSeconds?: number;
  readonly signal: AbortSignal;
}

const SSH = resolve(import.meta.dirname, "../../ansible/ssh");

/** Runs one command on a machine. The private key is passed by the environment: in no argument and no file. */
export async function runOverSsh(
  endpoint: SshEndpoint,
  command: readonly string[],
  { waitSeconds = 0, timeoutSeconds, signal }: SshOptions,
): Promise<SshAnswer> {
  const result = await execa(SSH, command, {
    env: { AI_HOW_MACHINE: JSON.stringify({ ...endpoint, waitSeconds }) },
    stdin: "ignore",
    reject: false,
    cancelSignal: signal,
    ...(timeoutSeconds !== undefined && { timeout: timeoutSeconds * 1000 }),
  });
  if (!result.failed) return { stdout: result.stdout };
  const reason = result.stderr.trim().split("\n").at(-1) ?? "";
  return { failure: reason === "" ? "SSH failed" : reason };
}
