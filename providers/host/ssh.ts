import { resolve } from "node:path";
import { execa } from "execa";
import { z } from "zod";

/** Where a machine listens and the one host key that it may show, as `ansible/ssh` takes it. */
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

/** What a command said, or why there is no answer. */
export type SshAnswer = { readonly stdout: string } | { readonly failure: string };

export interface SshOptions {
  /** How long the machine may take until it lets us in. Default 0: it does at once or not at all. */
  readonly waitSeconds?: number;
  /** Seconds until a command is given up; default none. */
  readonly timeoutSeconds?: number;
  readonly signal: AbortSignal;
}

const SSH = resolve(import.meta.dirname, "../../ansible/ssh");

/** Runs one command on a machine; the private key is in no argument and no file. */
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
