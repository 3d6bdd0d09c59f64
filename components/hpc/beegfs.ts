import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import { beegfs } from "../../versions/tools.ts";
import type { Variables } from "../ansible/inventory.ts";
import type { Play } from "../ansible/play.ts";
import { absolutePath, checkArguments, problemUnless, type ArgumentProblem } from "../arguments.ts";
import type { Machine } from "../machines/machine.ts";
import { beegfsKernels, kernelsOf, minorOf } from "./beegfs-kernels.ts";

/** Source of BeeGFS's packages. */
export type BeegfsPackages =
  /** ThinkParQ's repository. */
  | { readonly from: "makers" }
  /** An apt repository with the layout of ThinkParQ's; `key` is its public key, ASCII-armoured. */
  | { readonly from: "repository"; readonly repository: string; readonly key: string }
  /** Paths of .deb files on this host. */
  | { readonly from: "files"; readonly files: readonly string[] };

export interface BeegfsArgs {
  management: Machine;
  metadata: readonly Machine[];
  storage: readonly Machine[];
  /** Machines that mount it. Containers cannot: they have no kernel of their own. */
  clients: readonly Machine[];
  /** Absolute path of the mount point on clients. */
  mountPoint: pulumi.Input<string>;
  /** Mount options. Default: `defaults,_netdev`. */
  mountOptions?: pulumi.Input<string>;
  /** Whether clients mount it at boot. Default: true. */
  autoMount?: pulumi.Input<boolean>;
  /** Folder on metadata and storage machines for metadata and file contents. Default: `/data/beegfs`. */
  dataDirectory?: pulumi.Input<string>;
  /** `8.3.1`. Default: the one in versions/tools.ts. */
  version?: string;
  /** Default: ThinkParQ's repository. */
  packages?: BeegfsPackages;
  /** Certificate and private key of the management service, PEM. Default: self-signed by the management machine. */
  tls?: { certificate: pulumi.Input<string>; key: pulumi.Input<string> };
  /** License, PEM. Default: none. */
  license?: pulumi.Input<string>;
}

/** Packages that an image needs to build BeeGFS's client module without internet, by the distribution's names. */
export function beegfsImagePackages(distribution: "debian12" | "ubuntu2404"): string[] {
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const headers = { debian12: `linux-headers-cloud-${architecture}`, ubuntu2404: "linux-headers-virtual" };
  return ["dkms", "openssl", headers[distribution]];
}

/** BeeGFS: a management service, metadata and storage services, and clients. DKMS builds the client module for each machine's kernel. */
export class Beegfs extends pulumi.ComponentResource {
  readonly mountPoint: pulumi.Output<string>;
  /** Configures the machines. */
  readonly play: Play;

  constructor(name: string, args: BeegfsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:hpc:Beegfs", name, {}, opts);
    const version = args.version ?? beegfs.version;
    checkArguments(name, problemsOf(args, version));
    this.mountPoint = pulumi.output(args.mountPoint);
    const connAuth = new host.RandomSecret(`${name}-conn-auth`, { bytes: 128 }, { parent: this });
    const { tls, mountPoint, mountOptions, autoMount, dataDirectory } = args;
    const license = args.license === undefined ? undefined : pulumi.secret(args.license);
    const settings = {
      beegfs_mount_point: mountPoint,
      beegfs_mount_options: mountOptions ?? "defaults,_netdev",
      beegfs_auto_mount: autoMount ?? true,
      beegfs_data_directory: dataDirectory ?? "/data/beegfs",
    };

    this.play = {
      roles: ["beegfs"],
      groups: {
        beegfs_management: [args.management],
        beegfs_metadata: args.metadata,
        beegfs_storage: args.storage,
        beegfs_clients: args.clients,
      },
      variables: pulumi
        .all([
          settings,
          connAuth.value,
          tls && pulumi.all([tls.certificate, pulumi.secret(tls.key)]),
          license,
        ])
        .apply(([settings, secret, pem, license]): Variables => ({
          ...settings,
          beegfs_version: version,
          beegfs_kernels: beegfsKernels,
          ...packageVariables(args.packages ?? { from: "makers" }, version),
          beegfs_conn_auth: secret,
          ...(pem !== undefined && { beegfs_tls: { certificate: pem[0], key: pem[1] } }),
          ...(license !== undefined && { beegfs_license: license }),
        })),
    };
    this.registerOutputs({ mountPoint: this.mountPoint });
  }
}

function packageVariables(packages: BeegfsPackages, version: string): Variables {
  if (packages.from === "files") return { beegfs_package_files: packages.files };
  if (packages.from === "repository") {
    return { beegfs_repository: { uri: packages.repository, key: packages.key } };
  }
  return {
    beegfs_repository: { uri: beegfs.repository(minorOf(version)), fingerprint: beegfs.keyFingerprint },
  };
}

function problemsOf(args: BeegfsArgs, version: string): ArgumentProblem[] {
  return [
    ...(["metadata", "storage", "clients"] as const).flatMap((key) =>
      problemUnless(args[key].length > 0, key, "is empty; give at least one machine"),
    ),
    ...args.clients.flatMap(({ kind, name }) =>
      problemUnless(
        kind !== "container",
        "clients",
        `has ${name}, a container, which cannot load kernel modules`,
      ),
    ),
    ...problemUnless(
      kernelsOf(version) !== undefined,
      "version",
      `is ${version}, which is not a known version`,
    ),
    ...absolutePath("mountPoint", args.mountPoint),
  ];
}
