import * as pulumi from "@pulumi/pulumi";
import { checkArguments, distinct, wholeNumber } from "../arguments.ts";
import * as host from "../../providers/host/resources.ts";

export interface CpuPinningArgs {
  /** The machines that have CPUs of the host for themselves, each with how many; names are unique. */
  requests: readonly { readonly machine: string; readonly cpus: number }[];
}

/** Which of the host's CPUs each machine has for itself: kept by the machine's name while others come and go. */
export class CpuPinning extends pulumi.ComponentResource {
  /** Numbers of the host's CPUs, by the machine that has them. */
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

  /** The CPUs of one machine, one for each of its own. */
  of(machine: string): pulumi.Output<readonly number[]> {
    return this.numbers.apply((numbers) => numbers[machine] ?? []);
  }
}
