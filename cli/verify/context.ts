import type { Site } from "../../config/site.ts";
import type { Host, ProgramResult } from "../doctor/host.ts";

/** A running machine of the stack. */
export interface Guest {
  readonly name: string;
  readonly shortName: string;
  /** Runs a command in the machine as root; `missing`: the machine does not answer. */
  run(...command: readonly string[]): Promise<ProgramResult>;
}

/** What the steps work on; tests have fakes of each. */
export interface VerifyContext {
  readonly host: Host;
  readonly site: Site;
  /** Name of the stack, which owns its devices and huge pages. */
  readonly stack: string;
  readonly libvirtUri: string;
  /** Machines of the stack; empty while the stack is down. */
  readonly guests: readonly Guest[];
  /** Runs a playbook on this host. */
  play(name: string, variables: Readonly<Record<string, unknown>>): Promise<ProgramResult>;
  readonly signal: AbortSignal;
}

/** The running machine with SLURM's controller. */
export function controllerOf({ site, guests }: VerifyContext): Guest | undefined {
  const name = site.hpc?.nodes.find(({ role }) => role === "controller")?.name;
  return guests.find((guest) => guest.name === name);
}
