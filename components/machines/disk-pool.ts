import * as pulumi from "@pulumi/pulumi";
import * as libvirt from "../../providers/libvirt/resources.ts";

export interface DiskPoolArgs {
  /** libvirt's name for it, `<cluster>-pool`. */
  poolName: pulumi.Input<string>;
  /** The folder on libvirt's host. */
  path: pulumi.Input<string>;
}

/** The folder of a cluster's disks. */
export class DiskPool extends pulumi.ComponentResource {
  /** libvirt's name; unknown until the pool is there, so that disks wait for it. */
  readonly poolName: pulumi.Output<string>;

  constructor(name: string, args: DiskPoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:DiskPool", name, {}, opts);
    const pool = new libvirt.StoragePool(
      `${name}-pool`,
      { name: args.poolName, path: args.path },
      { parent: this },
    );
    this.poolName = pool.name;
    this.registerOutputs({ poolName: this.poolName });
  }
}
