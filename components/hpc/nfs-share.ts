import * as pulumi from "@pulumi/pulumi";
import { absolutePath, checkArguments, distinct, ipv4Subnet } from "../arguments.ts";
import type { Variables } from "../ansible/inventory.ts";
import type { Play } from "../ansible/play.ts";
import type { Machine } from "../machines/machine.ts";

export interface NfsShareArgs {
  server: Machine;
  clients: readonly Machine[];
  /** Absolute path of the folder on the server, created if missing, and of the mount point on the clients. */
  path: pulumi.Input<string>;
  /** Subnet whose machines may mount it, `10.0.0.0/24`. */
  allowedSubnet: pulumi.Input<string>;
  /** Mount options. Default: `vers=4.2,hard,noatime,_netdev`. */
  options?: pulumi.Input<string>;
}

/** A folder that one machine exports by NFS and the others mount. Containers of one host bind-mount it instead. */
export function nfsShare(args: NfsShareArgs): Play {
  const { path, allowedSubnet, server, clients, options = "vers=4.2,hard,noatime,_netdev" } = args;
  checkArguments("an NFS share", [
    ...absolutePath("path", path),
    ...ipv4Subnet("allowedSubnet", allowedSubnet),
    ...distinct([server.name, ...clients.map((client) => client.name)], (i) => `clients[${i - 1}]`),
  ]);
  return {
    roles: ["storage"],
    groups: { nfs_server: [server], nfs_clients: clients },
    variables: pulumi
      .all([path, allowedSubnet, options])
      .apply(([path, network, mountOptions]): Variables => ({
        storage_backend: server.kind === "container" ? "bind" : "nfs",
        // As for /tmp: everyone may write, and only owners may delete their files.
        storage_shares: [{ path, mode: "1777" }],
        storage_network: network,
        storage_mount_options: mountOptions,
      })),
  };
}
