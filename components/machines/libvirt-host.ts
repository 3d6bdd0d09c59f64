import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import * as libvirt from "../../providers/libvirt/resources.ts";

export interface LibvirtHostArgs {
  /** Connection URI of libvirt, `qemu:///system`. */
  uri: pulumi.Input<string>;
}

/** The libvirt daemon of the host, and the admin key pair of its machines. */
export class LibvirtHost extends pulumi.ComponentResource {
  readonly libvirt: libvirt.Provider;
  readonly adminKey: host.SshKey;

  constructor(name: string, args: LibvirtHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:LibvirtHost", name, {}, opts);
    this.libvirt = new libvirt.Provider(`${name}-libvirt`, { uri: args.uri }, { parent: this });
    this.adminKey = new host.SshKey(`${name}-admin-key`, { comment: "ai-how" }, { parent: this });
    this.registerOutputs({ publicKey: this.adminKey.publicKey });
  }
}
