import * as pulumi from "@pulumi/pulumi";
import { checkArguments, distinct, ipv4Subnet, unless } from "../arguments.ts";
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

/** A folder of one machine that others mount by NFS; containers of one host, which cannot, bind-mount it instead. */
export class NfsShare extends pulumi.ComponentResource {
  readonly path: pulumi.Output<string>;
  /** What Ansible has to apply for it. */
  readonly play: Play;

  constructor(name: string, args: NfsShareArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:hpc:NfsShare", name, {}, opts);
    const { path, allowedSubnet, server, clients } = args;
    checkArguments(name, [
      ...unless(typeof path !== "string" || path.startsWith("/"), "path", "is not an absolute path"),
      ...(typeof allowedSubnet === "string" ? ipv4Subnet("allowedSubnet", allowedSubnet) : []),
      ...distinct([server.name, ...clients.map((client) => client.name)], (i) => `clients[${i - 1}]`),
    ]);
    this.path = pulumi.output(args.path);
    this.play = {
      roles: ["storage"],
      groups: { nfs_server: [args.server], nfs_clients: args.clients },
      variables: pulumi
        .all([args.path, args.allowedSubnet, args.options ?? "vers=4.2,hard,noatime,_netdev"])
        .apply(([path, network, mountOptions]): Variables => ({
          storage_backend: args.server.kind === "container" ? "bind" : "nfs",
          // Everybody writes, and nobody removes what belongs to another.
          storage_shares: [{ path, mode: "1777" }],
          storage_network: network,
          storage_mount_options: mountOptions,
        })),
    };
    this.registerOutputs({ path: this.path });
  }
}
