import * as pulumi from "@pulumi/pulumi";
import * as libvirt from "../../providers/libvirt/resources.ts";

export interface DiskPoolArgs {
  /** Name of the pool in libvirt, `<cluster>-pool`. */
  poolName: pulumi.Input<string>;
  /** Absolute path of the folder on libvirt's host. */
  path: pulumi.Input<string>;
}

/** A storage pool of libvirt: a folder for a cluster's disks. */
export class DiskPool extends pulumi.ComponentResource {
  /** Name of the pool in libvirt; unknown until the pool exists, so that disks wait for it. */
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
