import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import * as libvirt from "../../providers/libvirt/resources.ts";

export interface SandboxArgs {
  /** Its name on the host: `/run/netns/ai-how-<name>`, `/var/lib/ai-how/<name>`. */
  sandboxName: pulumi.Input<string>;
  /** Whether machines inside reach networks outside. Default true. */
  internet?: pulumi.Input<boolean>;
  /** For a sandbox with VMs: finds out how they can run. Default: it has none. */
  virtualMachines?: {
    /** `auto`: KVM where a guest really boots with it. */
    readonly acceleration: pulumi.Input<"auto" | "kvm" | "tcg">;
    /** A kernel for the trial boot. */
    readonly kernel: pulumi.Input<string>;
  };
}

/** A place for machines that neither sees nor disturbs the host's own: a network namespace with a libvirtd of its own. */
export class Sandbox extends pulumi.ComponentResource {
  /** What everything inside goes away with. */
  readonly resource: pulumi.Resource;
  /** The provider of its libvirtd. */
  readonly libvirt: libvirt.Provider;
  /** Name of the storage pool for disks. */
  readonly pool: pulumi.Output<string>;
  readonly networkNamespace: pulumi.Output<string>;
  readonly proxyCommand: pulumi.Output<string>;
  readonly consoleDirectory: pulumi.Output<string>;
  /** Where container nodes keep their files. */
  readonly stateDirectory: pulumi.Output<string>;
  /** A folder that all container nodes may share. */
  readonly sharedDirectory: pulumi.Output<string>;
  /** How VMs run, and why; undefined where there are to be none. */
  readonly hypervisor: host.Hypervisor | undefined;
  /** The key pair that opens every machine inside. */
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
