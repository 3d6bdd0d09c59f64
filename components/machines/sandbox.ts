import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import * as libvirt from "../../providers/libvirt/resources.ts";

export interface SandboxArgs {
  /** Name on the host, as in `/run/netns/ai-how-<name>` and `/var/lib/ai-how/<name>`. */
  sandboxName: pulumi.Input<string>;
  /** Whether machines inside reach networks outside. Default: true. */
  internet?: pulumi.Input<boolean>;
  /** Settings for VMs. Default: the sandbox has no VMs. */
  virtualMachines?: {
    /** `auto`: KVM if a trial guest boots with it, else emulation. */
    readonly acceleration: pulumi.Input<"auto" | "kvm" | "tcg">;
    /** Path of a kernel for the trial guest. */
    readonly kernel: pulumi.Input<string>;
  };
}

/** A network namespace with its own libvirtd, which isolates machines from the host's network and libvirt. */
export class Sandbox extends pulumi.ComponentResource {
  /** Deleting it deletes everything inside: the `deletedWith` of those resources. */
  readonly resource: pulumi.Resource;
  /** Provider of the sandbox's libvirtd. */
  readonly libvirt: libvirt.Provider;
  /** Name of the storage pool for disks. */
  readonly pool: pulumi.Output<string>;
  readonly networkNamespace: pulumi.Output<string>;
  readonly proxyCommand: pulumi.Output<string>;
  readonly consoleDirectory: pulumi.Output<string>;
  /** Folder for the files of container nodes. */
  readonly stateDirectory: pulumi.Output<string>;
  /** Folder that container nodes can share. */
  readonly sharedDirectory: pulumi.Output<string>;
  /** How VMs run, and why. Undefined without VMs. */
  readonly hypervisor: host.Hypervisor | undefined;
  /** Admin key pair of all machines inside. */
  readonly adminKey: host.SshKey;

  constructor(name: string, args: SandboxArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:Sandbox", name, {}, opts);
    const sandbox = new host.Sandbox(
      `${name}-host`,
      { name: args.sandboxName, internet: args.internet ?? true },
      { parent: this },
    );
    this.hypervisor =
      args.virtualMachines &&
      new host.Hypervisor(`${name}-hypervisor`, args.virtualMachines, { parent: this });
    this.adminKey = new host.SshKey(`${name}-admin-key`, { comment: "ai-how" }, { parent: this });
    this.libvirt = new libvirt.Provider(`${name}-libvirt`, { uri: sandbox.uri }, { parent: this });
    const pool = new libvirt.StoragePool(
      `${name}-pool`,
      { name: "ai-how", path: sandbox.poolDirectory },
      { parent: this, provider: this.libvirt, deletedWith: sandbox },
    );

    this.resource = sandbox;
    this.pool = pool.name;
    this.networkNamespace = sandbox.networkNamespace;
    this.proxyCommand = sandbox.proxyCommand;
    this.consoleDirectory = sandbox.consoleDirectory;
    this.stateDirectory = sandbox.containerDirectory;
    this.sharedDirectory = sandbox.sharedDirectory;
    this.registerOutputs({ networkNamespace: this.networkNamespace, pool: this.pool });
  }
}
