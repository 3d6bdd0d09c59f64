import { existsSync } from "node:fs";

export interface ScopeOptions {
  /** Name of the unit, without `.scope`. Default: one that systemd finds. */
  readonly unit?: string;
  /** `CPUQuota=50%`, ... */
  readonly properties?: readonly string[];
}

/**
 * What begins the command line of a program that outlives whoever starts it: a scope of its own, or systemd ends the program with the
 * session or service from which it was started. The program keeps process id and open files. Empty where systemd does not run the host.
 */
export function ownScope({ unit, properties = [] }: ScopeOptions = {}): string[] {
  if (!existsSync("/run/systemd/system")) return [];
  return [
    ...["systemd-run", "--scope", "--quiet", "--collect", "--slice=machine.slice"],
    ...(unit === undefined ? [] : [`--unit=${unit}`]),
    ...properties.map((property) => `--property=${property}`),
    "--",
  ];
}
