import { z } from "zod";
import { resourceType } from "../framework/resource.ts";
import { allocateCpus, type CpuNumbers, type CpuRequest } from "./cpu-numbers.ts";

interface CpuAllocationInputs {
  requests: CpuRequest[];
}

interface CpuAllocationState extends CpuAllocationInputs {
  /** Numbers of the host's CPUs, by the machine that has them. */
  numbers: CpuNumbers;
}

/**
 * `host:index:CpuAllocation`: which of the host's CPUs each machine has for itself. It lives in the state alone, so that a machine
 * keeps its CPUs while others come and go.
 */
export const cpuAllocation = resourceType<unknown, CpuAllocationInputs, CpuAllocationState>({
  token: "host:index:CpuAllocation",
  inputs: {
    requests: z.array(z.strictObject({ machine: z.string().min(1), cpus: z.int().min(1) })),
  },
  changes: { requests: "update" },
  deleteBeforeReplace: false,
  check: ({ requests }) =>
    requests.flatMap(({ machine }, i) =>
      requests.findIndex((other) => other.machine === machine) === i
        ? []
        : [{ property: `requests[${i}].machine`, reason: `${machine} is already there` }],
    ),
  foresee: ({ requests }, _context, last) => ({ numbers: allocateCpus(requests, last?.numbers ?? {}) }),
  identify: () => "cpus",
  create: (inputs) => Promise.resolve(made(inputs, {})),
  read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
  update: (_id, was, inputs) => Promise.resolve(made(inputs, was.state.numbers)),
  delete: () => Promise.resolve(),
});

function made(inputs: CpuAllocationInputs, had: CpuNumbers) {
  return { id: "cpus", inputs, state: { ...inputs, numbers: allocateCpus(inputs.requests, had) } };
}
