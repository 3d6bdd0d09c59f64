import { z } from "zod";
import { type InputsOf, resourceType } from "../framework/resource.ts";
import { runOverSsh, sshEndpoint } from "./ssh.ts";

export const slurmDrainsSchemas = {
  /** The cluster's controller; secret where it holds a private key. */
  ssh: sshEndpoint,
  /** `NODE: REASON` of each node that is drained because its GPUs are not as planned; set by a refresh. */
  drained: z.array(z.string()).default([]),
};

export interface SlurmDrainsOutputs {
  /** Number of updates that found drained nodes: what depends on it runs again to bring them back. */
  occasions: number;
}

type SlurmDrainsInputs = InputsOf<typeof slurmDrainsSchemas>;

// The reasons of ai-how-gpu-check, and SLURM's own for a node with fewer GPUs than configured. Role slurm resumes the same nodes.
const OURS = /^ai-how: |gres.* count reported lower/;
const ANSWER_SECONDS = 60;

/**
 * `host:index:SlurmDrains`: the nodes that SLURM has drained because their GPUs differ from the plan. Creates nothing: a refresh
 * finds the nodes, and the update that follows changes `occasions`, on which the cluster's playbook depends.
 */
export const slurmDrains = resourceType<unknown, SlurmDrainsInputs, SlurmDrainsOutputs>({
  token: "host:index:SlurmDrains",
  inputs: slurmDrainsSchemas,
  changes: { ssh: "update", drained: "update" },
  deleteBeforeReplace: false,
  volatile: ["occasions"],
  identify: ({ ssh }) => ssh.address,
  foresee: () => ({ occasions: 0 }),
  create: (inputs) => Promise.resolve({ id: inputs.ssh.address, inputs, state: { occasions: 0 } }),
  async read(id, last, { signal }) {
    if (last === undefined) return undefined;
    const { inputs, state } = last;
    const sinfo = ["sinfo", "--noheader", "--Node", "--states=drain", "--format='%N %E'"];
    const answer = await runOverSsh(inputs.ssh, sinfo, { timeoutSeconds: ANSWER_SECONDS, signal });
    // If the controller does not answer, its own resources report it.
    const drained = "failure" in answer ? inputs.drained : drainedNodes(answer.stdout);
    return { id, inputs: { ...inputs, drained }, state };
  },
  update(id, was, inputs) {
    const found = was.inputs.drained.length > 0;
    return Promise.resolve({ id, inputs, state: { occasions: was.state.occasions + (found ? 1 : 0) } });
  },
  delete: () => Promise.resolve(),
});

/** `NODE: REASON` of each line of sinfo's output that is about GPUs, without duplicates. */
function drainedNodes(sinfo: string): string[] {
  const reasons = sinfo.split("\n").map((line) => {
    const [node = "", ...reason] = line.trim().split(" ");
    return { node, reason: reason.join(" ") };
  });
  return [
    ...new Set(
      reasons.filter(({ reason }) => OURS.test(reason)).map(({ node, reason }) => `${node}: ${reason}`),
    ),
  ];
}
