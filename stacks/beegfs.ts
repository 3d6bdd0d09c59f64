import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
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
  return { from: "files", files: packageFiles(packages.directory, beegfs) };
}

/** The package files of a folder that are of a version, each package once; what is missing is an error that names all of it. */
function packageFiles(directory: string, { license, ...beegfs }: BeegfsSite): string[] {
  const version = versionOf({ license, ...beegfs });
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const wanted = [
    "beegfs-mgmtd",
    "beegfs-tools",
    "beegfs-meta",
    "beegfs-storage",
    "beegfs-client-dkms",
    ...(license === undefined ? [] : ["libbeegfs-license"]),
  ];
  const files = globSync("**/*.deb", { cwd: directory }).sort();
  const found = wanted.map((name) => ({
    name,
    file: files.find((file) => isPackage(basename(file), name, version, architecture)),
  }));
  const missing = found.filter(({ file }) => file === undefined).map(({ name }) => name);
  if (missing.length > 0) {
    throw new UserError(
      `${AT}.packages.directory: ${directory} has no ${missing.join(", ")} ${version} for ${architecture}; ` +
        "put the .deb files there",
    );
  }
  return found.flatMap(({ file }) => (file === undefined ? [] : [join(directory, file)]));
}

/** Whether a file is called `NAME_VERSION_ARCHITECTURE.deb`; the version's epoch may be left out, or written `20%3a`. */
function isPackage(file: string, name: string, version: string, architecture: string): boolean {
  const [its = "", itsVersion = "", itsArchitecture = ""] = file.replace(/\.deb$/, "").split("_");
  const plain = decodeURIComponent(itsVersion).replace(/^\d+:/, "");
  return (
    its === name &&
    [architecture, "all"].includes(itsArchitecture) &&
    (plain === version || /^[^\d.]/.test(plain.startsWith(version) ? plain.slice(version.length) : "."))
  );
}

function read(key: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new UserError(`${AT}.${key}: ${file} cannot be read (${why}); put the file there`);
  }
}
