/** The memory of a node in MiB; undefined if the file gives none. */
export function memoryMib(node: {
  readonly memory_gb?: number | undefined;
  readonly memory_mb?: number | undefined;
}): number | undefined {
  return node.memory_mb ?? (node.memory_gb === undefined ? undefined : node.memory_gb * 1024);
}
