import { z } from "zod";
import { type Context, type InputsOf, ProviderError, resourceType } from "../framework/resource.ts";
import { runOverSsh, sshEndpoint } from "./ssh.ts";

export const sshReadySchemas = {
  /** How to reach the machine, and the one host key to accept; secret where it holds a private key. */
  ssh: sshEndpoint,
  /** Another value means another machine; `ready` repeats it. */
  generation: z.string(),
  /** Values that change with each start of the same machine: a change waits for SSH again. Default none. */
  starts: z.array(z.string()).default([]),
  /** Seconds until it fails. Default 300: an emulated machine boots in half a minute, on a busy host in three. */
  timeoutSeconds: z.number().positive().default(300),
};

export interface SshReadyOutputs {
  /** The generation, once SSH has answered. */
  ready: string;
}

type SshReadyInputs = InputsOf<typeof sshReadySchemas>;

/** `host:index:SshReady`: waits until a machine answers SSH with the expected host key. Creates nothing. */
export const sshReady = resourceType<unknown, SshReadyInputs, SshReadyOutputs>({
  token: "host:index:SshReady",
  inputs: sshReadySchemas,
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
