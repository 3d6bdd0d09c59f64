import * as pulumi from "@pulumi/pulumi";

export * from "./image-resources.ts";
export * from "./workshop-resources.ts";

/** Arguments of a `Sandbox`. */
export interface SandboxArgs {
  /** Its name: `/run/netns/ai-how-<name>`, `/run/ai-how/<name>`, `/var/lib/ai-how/<name>`. */
  name: pulumi.Input<string>;
  /** Whether its libvirtd runs; false ends everything in it and keeps its disks. Default true. */
  running?: pulumi.Input<boolean | undefined>;
  /** Whether machines in it reach networks outside; nobody outside reaches in either way. Default true. */
  internet?: pulumi.Input<boolean | undefined>;
}

/** A network namespace with a libvirtd of its own that neither sees nor disturbs the host's. */
export class Sandbox extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly running: pulumi.Output<boolean>;
  /** libvirt connection URI of its libvirtd. */
  declare readonly uri: pulumi.Output<string>;
  /** Path of the network namespace, `/run/netns/ai-how-<name>`. */
  declare readonly networkNamespace: pulumi.Output<string>;
  /** An OpenSSH `ProxyCommand` that reaches into it. */
  declare readonly proxyCommand: pulumi.Output<string>;
  /** Where its storage pool belongs. */
  declare readonly poolDirectory: pulumi.Output<string>;
  /** Where its machines' consoles are logged. */
  declare readonly consoleDirectory: pulumi.Output<string>;
  /** Where its container nodes keep their changes to the image. */
  declare readonly containerDirectory: pulumi.Output<string>;
  /** A folder that its container nodes may share. */
  declare readonly sharedDirectory: pulumi.Output<string>;

  constructor(name: string, args: SandboxArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      uri: undefined,
      networkNamespace: undefined,
      proxyCommand: undefined,
      poolDirectory: undefined,
      consoleDirectory: undefined,
      containerDirectory: undefined,
      sharedDirectory: undefined,
    };
    super("host:index:Sandbox", name, { running: undefined, ...args, ...outputs }, opts);
  }
}

/** Arguments of an `SshKey`. */
export interface SshKeyArgs {
  /** The comment at the end of the public key. */
  comment: pulumi.Input<string>;
}

/** An ed25519 key pair that is kept in the stack's state. */
export class SshKey extends pulumi.CustomResource {
  declare readonly comment: pulumi.Output<string>;
  /** One line for `authorized_keys`. */
  declare readonly publicKey: pulumi.Output<string>;
  /** The private key in OpenSSH's format; secret. */
  declare readonly privateKey: pulumi.Output<string>;

  constructor(name: string, args: SshKeyArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "host:index:SshKey",
      name,
      { ...args, publicKey: undefined, privateKey: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["privateKey"] }),
    );
  }
}

/** Arguments of an `SshReady`. */
export interface SshReadyArgs {
  /** Where it listens, and the one host key that it may show; secret where it holds a private key. */
  ssh: pulumi.Input<{
    address: string;
    port: number;
    user: string;
    hostKey: string;
    proxyCommand?: string;
    privateKey?: string;
  }>;
  /** What makes the machine a new one, for whoever depends on `ready`. */
  generation: pulumi.Input<string>;
  /** Further values whose change waits again, without making the machine a new one: its last start. Default none. */
  starts?: pulumi.Input<string>[];
  /** Seconds until it is a failure. Default 300: an emulated machine boots for half a minute, a busy host for three. */
  timeoutSeconds?: pulumi.Input<number>;
}

/** Waits until a machine answers SSH. */
export class SshReady extends pulumi.CustomResource {
  /** The generation, once SSH answered. */
  declare readonly ready: pulumi.Output<string>;

  constructor(name: string, args: SshReadyArgs, opts?: pulumi.CustomResourceOptions) {
    super("host:index:SshReady", name, { ...args, ready: undefined }, opts);
  }
}

/** Arguments of a `SlurmDrains`. */
export interface SlurmDrainsArgs {
  /** The cluster's controller; secret where it holds a private key. */
  ssh: SshReadyArgs["ssh"];
}

/** The nodes that SLURM has drained because their GPUs are not as planned: seen by a refresh. */
export class SlurmDrains extends pulumi.CustomResource {
  /** How often an update found some; whatever brings nodes back is done again when it changes. */
  declare readonly occasions: pulumi.Output<number>;

  constructor(name: string, args: SlurmDrainsArgs, opts?: pulumi.CustomResourceOptions) {
    super("host:index:SlurmDrains", name, { ...args, drained: [], occasions: undefined }, opts);
  }
}

/** Arguments of a `RandomSecret`. */
export interface RandomSecretArgs {
  /** How many random bytes, 16 to 1024. */
  bytes: pulumi.Input<number>;
}

/** Random bytes that are drawn once and kept, encrypted, in the stack's state: a munge key, a password. */
export class RandomSecret extends pulumi.CustomResource {
  /** The bytes in base64; secret. */
  declare readonly value: pulumi.Output<string>;

  constructor(name: string, args: RandomSecretArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "host:index:RandomSecret",
      name,
      { ...args, value: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["value"] }),
    );
  }
}

/** Arguments of a `CpuAllocation`. */
export interface CpuAllocationArgs {
  /** Machines, each once, and how many CPUs of the host each wants for itself. */
  requests: pulumi.Input<pulumi.Input<{ machine: string; cpus: number }>[]>;
}

/** Which of the host's CPUs each machine has for itself: a machine keeps its own while others come and go. */
export class CpuAllocation extends pulumi.CustomResource {
  /** Numbers of the host's CPUs, by the machine that has them. */
  declare readonly numbers: pulumi.Output<Readonly<Record<string, readonly number[]>>>;

  constructor(name: string, args: CpuAllocationArgs, opts?: pulumi.CustomResourceOptions) {
    super("host:index:CpuAllocation", name, { ...args, numbers: undefined }, opts);
  }
}

/** Arguments of a `Hypervisor`. */
export interface HypervisorArgs {
  /** `auto` (default) uses KVM where a guest really boots with it, software emulation elsewhere. */
  acceleration?: pulumi.Input<"auto" | "kvm" | "tcg" | undefined>;
  /** A Linux kernel for this machine's architecture, for the trial boot. Default: that of the host. */
  kernel?: pulumi.Input<string>;
}

/** Whether VMs run by KVM or by software emulation on this host. */
export class Hypervisor extends pulumi.CustomResource {
  /** libvirt's domain type. */
  declare readonly domainType: pulumi.Output<"kvm" | "qemu">;
  /** Why, in half a sentence. */
  declare readonly because: pulumi.Output<string>;

  constructor(name: string, args: HypervisorArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "host:index:Hypervisor",
      name,
      { acceleration: undefined, ...args, domainType: undefined, because: undefined },
      opts,
    );
  }
}

/** Arguments of a `Container`. */
export interface ContainerArgs {
  /** Name of its directory under `stateDirectory`. */
  name: pulumi.Input<string>;
  /** Its own name. */
  hostname: pulumi.Input<string>;
  /** The image's files; never written to. */
  rootDirectory: pulumi.Input<string>;
  /** Path of the network namespace with the bridge, a sandbox's `networkNamespace`. */
  networkNamespace: pulumi.Input<string>;
  /** The bridge that it is joined to. */
  bridge: pulumi.Input<string>;
  /** Its MAC address. */
  mac: pulumi.Input<string>;
  /** Its address with prefix length, `192.168.190.10/24`. */
  address: pulumi.Input<string>;
  /** Its default route. Default none. */
  gateway?: pulumi.Input<string | undefined>;
  /** Name servers. Default none. */
  dns?: pulumi.Input<pulumi.Input<string>[] | undefined>;
  /** The line of `authorized_keys` that opens it. */
  authorizedKey: pulumi.Input<string>;
  /** The private SSH host key, ed25519, in OpenSSH's format; secret. */
  hostKey: pulumi.Input<string>;
  /** The public SSH host key. */
  hostPublicKey: pulumi.Input<string>;
  /** The account that the key opens; the image must have it. */
  adminUser: pulumi.Input<string>;
  /** CPUs' worth of time. Default unlimited. */
  cpus?: pulumi.Input<number | undefined>;
  /** Memory in MiB. Default unlimited. */
  memoryMib?: pulumi.Input<number | undefined>;
  /** Directories of the host that it sees. Default none. */
  binds?: pulumi.Input<pulumi.Input<ContainerBindArgs>[] | undefined>;
  /** Whether it runs. Default true. */
  running?: pulumi.Input<boolean | undefined>;
  /** Where machines keep what differs from their image, one directory each. */
  stateDirectory: pulumi.Input<string>;
}

/** A directory of the host in a container. */
export interface ContainerBindArgs {
  source: pulumi.Input<string>;
  target: pulumi.Input<string>;
  /** Whether the container may only read. Default false. */
  readOnly?: pulumi.Input<boolean | undefined>;
  /** Whether a missing source is an error. Default false: it is made, for everybody to write. */
  existing?: pulumi.Input<boolean | undefined>;
}

/** A full system from a golden image in a systemd-nspawn container: its own init, network and SSH, the host's kernel. */
export class Container extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly hostname: pulumi.Output<string>;
  /** Its address, without prefix length. */
  declare readonly address: pulumi.Output<string>;
  /** Changes whenever the machine starts from the image again. */
  declare readonly generation: pulumi.Output<string>;
  /** Where its console is logged. */
  declare readonly consoleLog: pulumi.Output<string>;
  declare readonly running: pulumi.Output<boolean>;

  constructor(name: string, args: ContainerArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "host:index:Container",
      name,
      { running: undefined, ...args, generation: undefined, consoleLog: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["hostKey"] }),
    );
  }
}

/** Arguments of a `VirtualGpu`. */
export interface VirtualGpuArgs {
  /** `mdev`: a mediated device, up to Linux 6.7; `vendor-vfio`: a virtual function of its own, from 6.8 on. */
  backend: pulumi.Input<"mdev" | "vendor-vfio">;
  /** PCI address: with `mdev` of what has mediated devices, with `vendor-vfio` of the virtual function. */
  address: pulumi.Input<string>;
  /** Number of the vGPU type, as the driver lists it. */
  type: pulumi.Input<number>;
}

/** A slice of a GPU that the host keeps, for one VM, by NVIDIA's vGPU manager. */
export class VirtualGpu extends pulumi.CustomResource {
  declare readonly address: pulumi.Output<string>;
  /** UUID of the mediated device; undefined with `vendor-vfio`. */
  declare readonly uuid: pulumi.Output<string | undefined>;

  constructor(name: string, args: VirtualGpuArgs, opts?: pulumi.CustomResourceOptions) {
    super("host:index:VirtualGpu", name, { ...args, uuid: undefined }, opts);
  }
}

/** SHA-256 of a file of this host, in hexadecimal digits; undefined where there is no such file. */
export async function fileDigest(path: string): Promise<string | undefined> {
  const { digest } = (await pulumi.runtime.invoke("host:index:fileDigest", { path })) as { digest: string };
  return digest === "" ? undefined : digest;
}
