import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { Beegfs, type BeegfsArgs } from "../components/hpc/beegfs.ts";
import {
  distributionKernels,
  kernelProblem,
  kernelsOf,
  newestBeegfs,
} from "../components/hpc/beegfs-kernels.ts";
import { UserError } from "../config/errors.ts";
import type { Beegfs as BeegfsSite, HpcCluster, Node } from "../config/site.ts";
import { packageFiles } from "./beegfs-packages.ts";
import type { MachinesByName } from "./machines.ts";

const AT = "clusters.hpc.storage.beegfs";

/** Makes the BeeGFS of a cluster on its running nodes; undefined if the cluster has none. */
export function beegfsOf(
  hpc: HpcCluster,
  running: readonly Node[],
  machines: MachinesByName,
): Beegfs | undefined {
  const { beegfs } = hpc.storage;
  if (beegfs === undefined) return undefined;
  const servers = runningServers(beegfs, new Set(running.map(({ name }) => name)));
  if (servers === undefined) return undefined;
  const named = (names: readonly string[]) => names.map((name) => machines.of(name));
  const { tls, license } = beegfs;
  return new Beegfs(`${hpc.name}-beegfs`, {
    management: machines.of(beegfs.managementNode),
    metadata: named(servers.metadata),
    storage: named(servers.storage),
    clients: named(running.map(({ name }) => name)),
    mountPoint: beegfs.mountPoint,
    mountOptions: beegfs.mountOptions,
    autoMount: beegfs.autoMount,
    dataDirectory: beegfs.dataDirectory,
    version: versionOf(beegfs),
    packages: packagesOf(beegfs),
    ...(tls !== undefined && {
      tls: {
        certificate: readInput("tls.certificate", tls.certificate),
        key: pulumi.secret(readInput("tls.key", tls.key)),
      },
    }),
    ...(license !== undefined && { license: pulumi.secret(readInput("license", license)) }),
  });
}

/** Problems with a cluster's BeeGFS, one line each, that are known before any resource is created. */
export function beegfsProblems(hpc: HpcCluster): string[] {
  const { beegfs } = hpc.storage;
  if (beegfs === undefined) return [];
  const version = versionOf(beegfs);
  const kernels = new Set(hpc.nodes.flatMap(kernelOf));
  return [
    ...(version.startsWith("8.")
      ? []
      : [`${AT}.version: ai-how installs BeeGFS 8, not ${version}; use 8.0.1 or later`]),
    ...(kernelsOf(version) === undefined ? [`${AT}.version: ${kernelProblem(version, "") ?? ""}`] : []),
    ...[...kernels].flatMap((kernel) => {
      const problem = kernelProblem(version, kernel);
      return problem === undefined || kernelsOf(version) === undefined ? [] : [`${AT}.version: ${problem}`];
    }),
  ];
}

function versionOf({ version }: BeegfsSite): string {
  return version ?? newestBeegfs;
}

/** The kernel of a node's image; empty when its distribution is unknown. */
function kernelOf(node: Node): string[] {
  if (node.kind === "existing" || node.image.kind === "file") return [];
  return [distributionKernels[node.image.distribution]];
}

/** The servers that run. If a service has none, `up` fails; a preview warns, and the result is undefined. */
function runningServers(
  { managementNode, metadataNodes, storageNodes }: BeegfsSite,
  running: ReadonlySet<string>,
): { readonly metadata: string[]; readonly storage: string[] } | undefined {
  const runs = (name: string): boolean => running.has(name);
  const listed = {
    management_node: [managementNode],
    metadata_nodes: metadataNodes,
    storage_nodes: storageNodes,
  };
  const without = Object.entries(listed).flatMap(([key, names]) => (names.some(runs) ? [] : [key]));
  if (without.length > 0) {
    warnOrFail(
      `${AT}: no node of ${without.join(" and ")} is started; set auto_start: true there, or use storage.nfs`,
    );
    return undefined;
  }
  const off = [...new Set(Object.values(listed).flat())].filter((name) => !runs(name));
  if (off.length > 0)
    void pulumi.log.warn(`${AT}: ${off.join(", ")} is not started, so BeeGFS does not use it`);
  return { metadata: metadataNodes.filter(runs), storage: storageNodes.filter(runs) };
}

/** Reports a problem that the user can still solve before `up`: a preview warns, `up` fails. */
function warnOrFail(problem: string): void {
  if (!pulumi.runtime.isDryRun()) throw new UserError(problem);
  void pulumi.log.warn(problem);
}

function packagesOf(beegfs: BeegfsSite): NonNullable<BeegfsArgs["packages"]> {
  const { packages } = beegfs;
  if (packages.from === "makers") return packages;
  if (packages.from === "repository") return { ...packages, key: readInput("packages.key", packages.key) };
  const wanted = { version: versionOf(beegfs), license: beegfs.license !== undefined };
  const { files, missing } = packageFiles(packages.directory, wanted);
  if (missing !== undefined) warnOrFail(`${AT}.packages.directory: ${missing}`);
  return { from: "files", files };
}

/** The text of a file. If it cannot be read, `up` fails; a preview warns, and the result is empty. */
function readInput(key: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    warnOrFail(`${AT}.${key}: ${file} cannot be read (${reason}); put the file there`);
    return "";
  }
}
