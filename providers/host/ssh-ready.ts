import { resolve } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { ProviderError, resourceType, type Context } from "../framework/resource.ts";

interface SshReadyInputs {
  ssh: {
    address: string;
    port: number;
    user: string;
    hostKey: string;
    proxyCommand?: string | undefined;
    privateKey?: string | undefined;
    privateKeyPath?: string | undefined;
  };
  /** What makes the machine a new one. */
  generation: string;
  /** What makes it start again. */
  starts: string[];
  timeoutSeconds: number;
}

interface SshReadyState {
  /** The generation, once SSH answered. */
  ready: string;
}

const SSH = resolve(import.meta.dirname, "../../ansible/ssh");

/** `host:index:SshReady`: waits until a machine answers SSH with the host key that it has to have. Makes nothing. */
export const sshReady = resourceType<unknown, SshReadyInputs, SshReadyState>({
  token: "host:index:SshReady",
  inputs: {
    ssh: z.object({
      address: z.string().min(1),
      port: z.int().min(1).max(65535),
      user: z.string().min(1),
      hostKey: z.string().min(1),
      proxyCommand: z.string().min(1).optional(),
      privateKey: z.string().min(1).optional(),
      privateKeyPath: z.string().min(1).optional(),
    }),
    generation: z.string(),
    starts: z.array(z.string()).default([]),
    timeoutSeconds: z.number().positive().default(300),
  },
  changes: { ssh: "update", generation: "update", starts: "update", timeoutSeconds: "update" },
  deleteBeforeReplace: false,
  volatile: ["ready"],
  identify: ({ ssh }) => ssh.address,
  foresee: ({ generation }) => ({ ready: generation }),
  async create(inputs, context) {
    await wait(inputs, context);
    return { id: inputs.ssh.address, inputs, state: { ready: inputs.generation } };
  },
  read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
  async update(id, _was, inputs, context) {
    await wait(inputs, context);
    return { id, inputs, state: { ready: inputs.generation } };
  },
  delete: () => Promise.resolve(),
});

async function wait({ ssh, timeoutSeconds }: SshReadyInputs, { signal }: Context<unknown>): Promise<void> {
  const result = await execa(SSH, ["true"], {
    env: { AI_HOW_MACHINE: JSON.stringify({ ...ssh, waitSeconds: timeoutSeconds }) },
    stdin: "ignore",
    reject: false,
    cancelSignal: signal,
  });
  if (!result.failed) return;
  const reason = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new ProviderError(`${ssh.user}@${ssh.address}: ${reason === "" ? "SSH failed" : reason}`);
}
