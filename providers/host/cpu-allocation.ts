import { z } from "zod";
import { type InputsOf, resourceType } from "../framework/resource.ts";
import { allocateCpus, type CpuNumbers } from "./cpu-numbers.ts";

export const cpuAllocationSchemas = {
  /** Machines, each once, and how many CPUs of the host each wants for itself. */
  requests: z.array(z.strictObject({ machine: z.string().min(1), cpus: z.int().min(1) })),
};

export interface CpuAllocationOutputs {
  /** Numbers of the host's CPUs, by the machine that has them. */
  numbers: CpuNumbers;
}

type CpuAllocationInputs = InputsOf<typeof cpuAllocationSchemas>;

/**
 * `host:index:CpuAllocation`: the host CPUs reserved for each machine. They are recorded in the stack's state only, so a machine
 * keeps its CPUs while others are added and removed.
 */
export const cpuAllocation = resourceType<
  unknown,
  CpuAllocationInputs,
  CpuAllocationInputs & CpuAllocationOutputs
>({
  token: "host:index:CpuAllocation",
  inputs: cpuAllocationSchemas,
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
