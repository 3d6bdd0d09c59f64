import { existsSync } from "node:fs";

export interface ScopeOptions {
  /** Name of the unit, without `.scope`. Default: systemd chooses one. */
  readonly unit?: string;
  /** `CPUQuota=50%`, ... */
  readonly properties?: readonly string[];
}

/**
 * A command line prefix for a program that outlives this process: it runs the program in a scope of its own, because systemd ends
 * it with the session or service of its parent otherwise. The program keeps process id and open files. Empty on a host without systemd.
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
