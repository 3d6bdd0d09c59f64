import { joinPath, type Problem } from "../problem.ts";
import type { HostBudgetConfig } from "../schema/cluster-file.ts";
import { memoryMib } from "../sizes.ts";
import type { Survey } from "./survey.ts";

/** Problems where the VMs together need more than the host has. `fallback` is the budget of a file without `host`. */
export function budgetProblems(
  { clusters, host }: Survey,
  fallback: HostBudgetConfig | undefined,
): Problem[] {
  const budget = host?.fields ?? fallback;
  if (budget === undefined) return [];
  const vms = clusters.flatMap((cluster) => cluster.nodes).filter((node) => !node.isHost);
  const started = vms.filter((node) => node.fields.auto_start !== false);
  const sum = (values: readonly (number | undefined)[]) =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0);
  const needs = {
    cpu_cores: { amount: sum(started.map((node) => node.fields.cpu_cores)), unit: "CPUs" },
    memory_gb: { amount: sum(started.map((node) => memoryMib(node.fields))) / 1024, unit: "GiB of memory" },
    disk_gb: { amount: sum(vms.map((node) => node.fields.disk_gb)), unit: "GiB of disk" },
  };
  return (["cpu_cores", "memory_gb", "disk_gb"] as const).flatMap((key) => {
    const { amount, unit } = needs[key];
    const limit = budget[key];
    if (limit === undefined || amount <= limit) return [];
    const message = `the VMs need ${Number(amount.toFixed(2))} ${unit}, the host has ${limit}`;
    return [{ path: host === undefined ? "clusters" : joinPath(host.path, key), message }];
  });
}
