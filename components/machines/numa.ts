/** A NUMA node of a VM: its CPUs, `0-3`, and its memory in MiB. */
export interface NumaCell {
  readonly cpus: string;
  readonly memory: number;
}

/** Splits CPUs and memory evenly among NUMA nodes, memory in whole pages. The first nodes get the remainder. */
export function numaCells(nodes: number, cpus: number, memoryMib: number, pageKib: number): NumaCell[] {
  const pages = splitEvenly(Math.floor((memoryMib * 1024) / pageKib), nodes);
  let first = 0;
  return splitEvenly(cpus, nodes).map((count, node) => {
    const last = first + count - 1;
    const cell = {
      cpus: first === last ? `${first}` : `${first}-${last}`,
      memory: ((pages[node] ?? 0) * pageKib) / 1024,
    };
    first = last + 1;
    return cell;
  });
}

function splitEvenly(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, part) => Math.floor((total + parts - 1 - part) / parts));
}
