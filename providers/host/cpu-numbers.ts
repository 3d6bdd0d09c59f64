/** A machine and the number of host CPUs to reserve for it. */
export interface CpuRequest {
  readonly machine: string;
  readonly cpus: number;
}

/** The numbers of the host's CPUs that each machine has, by its name, ascending. */
export type CpuNumbers = Readonly<Record<string, readonly number[]>>;

/**
 * Reserves CPUs for each machine, counted from 0. A machine keeps its CPUs while others are added and removed. One that needs
 * more gets the lowest free numbers; one that needs fewer gives up its last ones.
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
