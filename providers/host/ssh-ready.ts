import { z } from "zod";
import { ProviderError, resourceType, type Context } from "../framework/resource.ts";
import { runOverSsh, sshEndpoint, type SshEndpoint } from "./ssh.ts";

interface SshReadyInputs {
  ssh: SshEndpoint;
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

/** `host:index:SshReady`: waits until a machine answers SSH with the host key that it has to have. Makes nothing. */
export const sshReady = resourceType<unknown, SshReadyInputs, SshReadyState>({
  token: "host:index:SshReady",
  inputs: {
    ssh: sshEndpoint,
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
  const answer = await runOverSsh(ssh, ["true"], { waitSeconds: timeoutSeconds, signal });
  if ("failure" in answer) throw new ProviderError(`${ssh.user}@${ssh.address}: ${answer.failure}`);
}
