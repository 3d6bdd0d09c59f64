import * as pulumi from "@pulumi/pulumi";
import { checkArguments, distinct, wholeNumber } from "../arguments.ts";
import * as host from "../../providers/host/resources.ts";

export interface CpuPinningArgs {
  /** Machines with dedicated CPUs of the host, and how many. Names are unique. */
  requests: readonly { readonly machine: string; readonly cpus: number }[];
}

/** Assigns dedicated CPUs of the host to machines. A machine keeps its CPUs, by its name, when others are added or removed. */
export class CpuPinning extends pulumi.ComponentResource {
  /** Numbers of the host's CPUs, by machine. */
  readonly numbers: pulumi.Output<Readonly<Record<string, readonly number[]>>>;

  constructor(name: string, args: CpuPinningArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:CpuPinning", name, {}, opts);
    checkArguments(name, [
      ...args.requests.flatMap(({ cpus }, i) => wholeNumber(`requests[${i}].cpus`, cpus, 1)),
      ...distinct(
        args.requests.map(({ machine }) => machine),
        (i) => `requests[${i}].machine`,
      ),
    ]);
    const allocation = new host.CpuAllocation(
      `${name}-allocation`,
      { requests: args.requests.map(({ machine, cpus }) => ({ machine, cpus })) },
      { parent: this },
    );
    this.numbers = allocation.numbers;
    this.registerOutputs({ numbers: this.numbers });
  }

  /** Numbers of one machine's CPUs on the host, one for each virtual CPU. */
  of(machine: string): pulumi.Output<readonly number[]> {
    return this.numbers.apply((numbers) => numbers[machine] ?? []);
  }
}
