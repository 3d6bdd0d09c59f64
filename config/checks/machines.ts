import { joinPath, type Problem } from "../problem.ts";
import { memoryMib } from "../sizes.ts";
import type { Survey, SurveyedCluster, SurveyedNode } from "./survey.ts";

/** Problems with VMs: missing keys, keys that exclude each other, and sizes that do not fit together. */
export function machineProblems({ clusters }: Survey): Problem[] {
  return clusters.flatMap((cluster) => [
    ...clusterProblems(cluster),
    ...cluster.nodes.flatMap((node) => [...memoryProblems(node), ...hardwareProblems(cluster, node)]),
    ...[cluster, ...cluster.nodes]
      .filter(({ keys }) => keys.has("image") && keys.has("base_image_path"))
      .map(({ path }) => ({
        path: joinPath(path, "image"),
        message: "is set together with base_image_path: remove one of them",
      })),
  ]);
}

function clusterProblems(cluster: SurveyedCluster): Problem[] {
  const { path, keys } = cluster;
  const hasImage = (of: ReadonlySet<string>) => of.has("image") || of.has("base_image_path");
  const vms = cluster.nodes.filter((node) => !node.isHost);
  const problems: Problem[] = [];
  const bare = vms.find((node) => !hasImage(node.keys));
  if (bare !== undefined && !hasImage(keys)) {
    const message = `is required (or image), because ${bare.shortName} has no image of its own`;
    problems.push({ path: joinPath(path, "base_image_path"), message });
  }
  if (vms[0] !== undefined && !keys.has("network")) {
    problems.push({
      path: joinPath(path, "network"),
      message: `is required, because ${vms[0].shortName} is a VM`,
    });
  }
  return problems;
}

function memoryProblems({ path, keys, isHost, isReadable }: SurveyedNode): Problem[] {
  const isGb = keys.has("memory_gb");
  const isMb = keys.has("memory_mb");
  if (isGb && isMb) {
    return [
      { path: joinPath(path, "memory_mb"), message: "is set together with memory_gb: remove one of them" },
    ];
  }
  return isHost || !isReadable || isGb || isMb
    ? []
    : [{ path: joinPath(path, "memory_gb"), message: "is required (or memory_mb)" }];
}

function hardwareProblems(
  { acceleration }: SurveyedCluster,
  { path, keys, fields, isHost }: SurveyedNode,
): Problem[] {
  if (acceleration === undefined || isHost) return [];
  const problems: Problem[] = [];
  const { performance, cpu_topology: topology, mode, enable_kvm: isKvm } = acceleration.fields;
  if (mode === "kvm" && isKvm === false) {
    problems.push({
      path: joinPath(acceleration.path, "enable_kvm"),
      message: "contradicts mode: kvm; remove it",
    });
  }

  const hugepages = performance?.enable_hugepages === true || performance?.memory_backing === "hugepages";
  const pageSize = performance?.hugepage_size ?? "2M";
  const pageMib = pageSize === "1G" ? 1024 : 2;
  const memory = memoryMib(fields);
  if (hugepages && memory !== undefined && memory % pageMib !== 0) {
    problems.push({
      path: joinPath(path, keys.has("memory_mb") ? "memory_mb" : "memory_gb"),
      message: `${memory} MiB is not a multiple of the ${pageSize} huge pages`,
    });
  }

  const cores = fields.cpu_cores;
  const numaNodes = acceleration.fields.numa_topology?.nodes ?? 1;
  if (cores !== undefined && cores < numaNodes) {
    problems.push({
      path: joinPath(path, "cpu_cores"),
      message: `${cores} is too few for ${numaNodes} NUMA nodes: each needs a CPU`,
    });
  }
  if (topology !== undefined && cores !== undefined && cores % (topology.sockets * topology.threads) !== 0) {
    problems.push({
      path: joinPath(path, "cpu_cores"),
      message: `${cores} is not a multiple of ${topology.sockets} sockets x ${topology.threads} threads`,
    });
  }
  return problems;
}
