import { withoutCluster } from "../naming.ts";
import { joinPath, type Problem } from "../problem.ts";
import { asOptions } from "../schema/slurm.ts";
import { suggestion } from "../suggest.ts";
import { duplicates } from "./duplicates.ts";
import type { Survey, SurveyedCluster } from "./survey.ts";

/** Problems with partitions: duplicate names, unknown nodes, and a default that does not exist. */
export function slurmProblems({ clusters }: Survey): Problem[] {
  return clusters.flatMap(clusterProblems);
}

function clusterProblems(cluster: SurveyedCluster): Problem[] {
  const { slurm } = cluster;
  if (slurm?.fields.partitions === undefined) return [];
  const partitions = slurm.fields.partitions.map((partition, i) => ({
    ...asOptions(partition),
    path: joinPath(slurm.path, "partitions", i),
    namePath: joinPath(slurm.path, "partitions", i, ...(typeof partition === "string" ? [] : ["name"])),
  }));
  const names = partitions.map(({ name }) => name);
  const problems: Problem[] = duplicates(partitions, ({ name }) => name).map(({ item }) => ({
    path: item.namePath,
    message: `there is already a partition ${item.name}`,
  }));

  const chosen = slurm.fields.default_partition;
  if (chosen !== undefined && !names.includes(chosen)) {
    problems.push({
      path: joinPath(slurm.path, "default_partition"),
      message: `there is no partition ${chosen}; ${suggestion(chosen, names)}`,
    });
  }
  const first = chosen ?? partitions.find((partition) => partition.default === true)?.name;
  for (const { path, name, ...partition } of partitions) {
    if (partition.default === true && name !== first) {
      problems.push({
        path: joinPath(path, "default"),
        message: `the default partition is already ${first ?? ""}`,
      });
    }
    problems.push(...nodeProblems(cluster, path, partition.nodes ?? []));
  }
  return problems;
}

function nodeProblems(cluster: SurveyedCluster, path: string, named: readonly string[]): Problem[] {
  if (!cluster.nodesKnown) return [];
  const compute = cluster.nodes.filter((node) => node.role === "compute").map((node) => node.shortName);
  return named.flatMap((name, i) =>
    compute.includes(withoutCluster(cluster.name, name))
      ? []
      : [
          {
            path: joinPath(path, "nodes", i),
            message: `there is no compute node ${name}; ${suggestion(name, compute)}`,
          },
        ],
  );
}
