/** A machine and how many of the host's CPUs it wants for itself. */
export interface CpuRequest {
  readonly machine: string;
  readonly cpus: number;
}

/** The numbers of the host's CPUs that each machine has, by its name, ascending. */
export type CpuNumbers = Readonly<Record<string, readonly number[]>>;

/**
 * Gives each machine CPUs of its own, from 0 on. A machine keeps what it had, whatever others come and go; what it wants
 * more are the lowest that nobody has, and what it wants less it gives back from its end.
 */
export function allocateCpus(requests: readonly CpuRequest[], had: CpuNumbers): CpuNumbers {
  const kept = new Map(requests.map(({ machine, cpus }) => [machine, (had[machine] ?? []).slice(0, cpus)]));
  const taken = new Set([...kept.values()].flat());
  let next = 0;
  const free = (): number => {
    while (taken.has(next)) next += 1;
    taken.add(next);
    return next;
  };
  return Object.fromEntries(
    requests.map(({ machine, cpus }) => {
      const own = kept.get(machine) ?? [];
      const more = Array.from({ length: cpus - own.length }, free);
      return [machine, [...own, ...more].sort((a, b) => a - b)];
    }),
  );
}
