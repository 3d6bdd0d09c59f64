import * as pulumi from "@pulumi/pulumi";
import { absolutePath, checkArguments, distinct, ipv4Subnet } from "../arguments.ts";
import type { Variables } from "../ansible/inventory.ts";
import type { Play } from "../ansible/play.ts";
import type { Machine } from "../machines/machine.ts";

export interface NfsShareArgs {
  server: Machine;
  clients: readonly Machine[];
  /** The folder on the server, made when it is not there, and the same one on the clients. */
  path: pulumi.Input<string>;
  /** The subnet that may mount it, `10.0.0.0/24`. */
  allowedSubnet: pulumi.Input<string>;
  /** Mount options. Default `vers=4.2,hard,noatime,_netdev`. */
  options?: pulumi.Input<string>;
}

/** A folder of one machine that the others mount by NFS. Containers of one host cannot, and bind-mount it. */
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
        // Everybody writes, and nobody removes what belongs to another.
        storage_shares: [{ path, mode: "1777" }],
        storage_network: network,
        storage_mount_options: mountOptions,
      })),
  };
}
