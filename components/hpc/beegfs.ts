import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import { beegfs } from "../../versions/tools.ts";
import type { Variables } from "../ansible/inventory.ts";
import type { Play } from "../ansible/play.ts";
import { absolutePath, checkArguments, problemUnless, type ArgumentProblem } from "../arguments.ts";
import type { Machine } from "../machines/machine.ts";
import { beegfsKernels, kernelsOf, minorOf } from "./beegfs-kernels.ts";

/** Where BeeGFS's packages come from. */
export type BeegfsPackages =
  /** Its makers' own repository. */
  | { readonly from: "makers" }
  /** An apt repository that is laid out as theirs; `key` is its public key, ASCII-armoured. */
  | { readonly from: "repository"; readonly repository: string; readonly key: string }
  /** Package files of this host. */
  | { readonly from: "files"; readonly files: readonly string[] };

export interface BeegfsArgs {
  management: Machine;
  metadata: readonly Machine[];
  storage: readonly Machine[];
  /** Every machine that mounts it; no containers, which have no kernel of their own. */
  clients: readonly Machine[];
  /** Where clients mount it, absolute. */
  mountPoint: pulumi.Input<string>;
  /** Options of the mount. Default `defaults,_netdev`. */
  mountOptions?: pulumi.Input<string>;
  /** Whether clients mount it at boot. Default true. */
  autoMount?: pulumi.Input<boolean>;
  /** Folder of metadata and storage machines that holds metadata and file contents. Default `/data/beegfs`. */
  dataDirectory?: pulumi.Input<string>;
  /** `8.3.1`. Default: the one in versions/tools.ts. */
  version?: string;
  /** Default: its makers' repository. */
  packages?: BeegfsPackages;
  /** Certificate and key of the management service, PEM; the key is a secret. Default: it makes its own. */
  tls?: { certificate: pulumi.Input<string>; key: pulumi.Input<string> };
  /** The license, PEM; a secret. Default: none. */
  license?: pulumi.Input<string>;
}

/** What an image has to bring, as its distribution calls it, for BeeGFS's client module to be built without internet. */
export function beegfsImagePackages(distribution: "debian12" | "ubuntu2404"): string[] {
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const headers = { debian12: `linux-headers-cloud-${architecture}`, ubuntu2404: "linux-headers-virtual" };
  return ["dkms", "openssl", headers[distribution]];
}

/** BeeGFS on machines: a management service, metadata and storage services, and clients whose kernel module is built for their kernel. */
export class Beegfs extends pulumi.ComponentResource {
  readonly mountPoint: pulumi.Output<string>;
  /** What Ansible has to apply for it. */
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
      problemUnless(args[key].length > 0, key, "names no machine; give at least one"),
    ),
    ...args.clients.flatMap(({ kind, name }) =>
      problemUnless(
        kind !== "container",
        "clients",
        `has ${name}, a container, which can load no kernel module`,
      ),
    ),
    ...problemUnless(
      kernelsOf(version) !== undefined,
      "version",
      `is ${version}, of whose kernels nothing is known`,
    ),
    ...absolutePath("mountPoint", args.mountPoint),
  ];
}
