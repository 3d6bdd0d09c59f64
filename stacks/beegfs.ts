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
import type { MachinesByName } from "./hpc.ts";

const AT = "clusters.hpc.storage.beegfs";

/** BeeGFS of a cluster, on those of its nodes that run; undefined where it has none. */
export function beegfsOf(
  hpc: HpcCluster,
  running: readonly Node[],
  machines: MachinesByName,
): Beegfs | undefined {
  const { beegfs } = hpc.storage;
  if (beegfs === undefined) return undefined;
  const named = (names: readonly string[]) => names.map((name) => machines.of(name));
  const { tls, license } = beegfs;
  return new Beegfs(`${hpc.name}-beegfs`, {
    management: machines.of(beegfs.managementNode),
    metadata: named(beegfs.metadataNodes),
    storage: named(beegfs.storageNodes),
    clients: named(running.map(({ name }) => name)),
    mountPoint: beegfs.mountPoint,
    mountOptions: beegfs.mountOptions,
    autoMount: beegfs.autoMount,
    dataDirectory: beegfs.dataDirectory,
    version: versionOf(beegfs),
    packages: packagesOf(beegfs),
    ...(tls !== undefined && {
      tls: {
        certificate: read("tls.certificate", tls.certificate),
        key: pulumi.secret(read("tls.key", tls.key)),
      },
    }),
    ...(license !== undefined && { license: pulumi.secret(read("license", license)) }),
  });
}

/** What of a cluster's BeeGFS cannot be built, one line each, as far as it is known before anything is made. */
export function beegfsProblems(hpc: HpcCluster): string[] {
  const { beegfs } = hpc.storage;
  if (beegfs === undefined) return [];
  const version = versionOf(beegfs);
  const kernels = new Set(hpc.nodes.flatMap(kernelOf));
  const off = new Set(hpc.nodes.filter(isOff).map(({ name }) => name));
  const servers = [beegfs.managementNode, ...beegfs.metadataNodes, ...beegfs.storageNodes];
  return [
    ...(version.startsWith("8.")
      ? []
      : [`${AT}.version: ai-how sets up BeeGFS 8, not ${version}; give 8.0.1 or later`]),
    ...(kernelsOf(version) === undefined ? [`${AT}.version: ${kernelProblem(version, "") ?? ""}`] : []),
    ...[...kernels].flatMap((kernel) => {
      const problem = kernelProblem(version, kernel);
      return problem === undefined || kernelsOf(version) === undefined ? [] : [`${AT}.version: ${problem}`];
    }),
    ...[...new Set(servers)]
      .filter((name) => off.has(name))
      .map((name) => `${AT}: ${name} serves BeeGFS and has auto_start: false; let it be true`),
  ];
}

function versionOf({ version }: BeegfsSite): string {
  return version ?? newestBeegfs;
}

/** The kernel of a node, where it is known from its image's distribution. */
function kernelOf(node: Node): string[] {
  if (node.ssh !== undefined || node.image.kind === "file") return [];
  return [distributionKernels[node.image.distribution]];
}

function isOff(node: Node): boolean {
  return node.ssh === undefined && !node.autoStart;
}

function packagesOf(beegfs: BeegfsSite): NonNullable<BeegfsArgs["packages"]> {
  const { packages } = beegfs;
  if (packages.from === "makers") return packages;
  if (packages.from === "repository") return { ...packages, key: read("packages.key", packages.key) };
  const wanted = { version: versionOf(beegfs), license: beegfs.license !== undefined };
  return { from: "files", files: packageFiles(packages.directory, wanted) };
}

function read(key: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new UserError(`${AT}.${key}: ${file} cannot be read (${why}); put the file there`);
  }
}
