import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import { checkArguments, ipv4, macAddress } from "../arguments.ts";
import type { GoldenImage } from "../images/golden-image.ts";
import { sshAccess, type Machine, type SshEndpoint, type SshLogin } from "./machine.ts";
import type { VirtualNetwork } from "./virtual-network.ts";

export interface ContainerMachineArgs {
  hostname: string;
  image: GoldenImage;
  network: VirtualNetwork;
  /** Network namespace of the network's bridge. */
  networkNamespace: pulumi.Input<string>;
  /** Folder for its changes to the image. */
  stateDirectory: pulumi.Input<string>;
  mac: pulumi.Input<string>;
  address: string;
  /** User for logins by Ansible and people. Default: `admin`. */
  adminUser?: string;
  /** Key pair of that user. */
  adminKey: host.SshKey;
  /** OpenSSH ProxyCommand into the network. Default: a direct connection. */
  proxyCommand?: pulumi.Input<string>;
  /** Folders of the host to bind-mount. Default: none. */
  binds?: pulumi.Input<pulumi.Input<host.ContainerBindArgs>[]>;
  /** Whether `up` starts it. If false, `up` creates it and leaves its state to the user. Default: true. */
  running?: boolean;
}

/** A container that boots a full system from the same image as a VM, in two seconds. It shares the host's kernel. */
export class ContainerMachine extends pulumi.ComponentResource implements Machine {
  readonly name: string;
  readonly kind = "container";
  readonly address: pulumi.Output<string>;
  readonly ssh: pulumi.Output<SshEndpoint>;
  readonly login: SshLogin;
  readonly ready: pulumi.Output<string>;
  readonly registered: pulumi.Output<pulumi.URN>;

  constructor(name: string, args: ContainerMachineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:ContainerMachine", name, {}, opts);
    checkArguments(name, [...ipv4("address", args.address), ...macAddress("mac", args.mac)]);
    const { hostname, image, network } = args;
    const adminUser = args.adminUser ?? "admin";
    const running = args.running ?? true;
    this.name = hostname;

    const hostKey = new host.SshKey(`${name}-host-key`, { comment: hostname }, { parent: this });

    const container = new host.Container(
      `${name}-container`,
      {
        name: hostname,
        hostname,
        rootDirectory: image.rootDirectory,
        stateDirectory: args.stateDirectory,
        networkNamespace: args.networkNamespace,
        // Waits for the network, which creates the bridge.
        bridge: pulumi.all([network.networkName, network.bridge]).apply(([, bridge]) => bridge),
        mac: args.mac,
        address: `${args.address}/${network.prefix}`,
        gateway: network.gateway,
        dns: [network.gateway],
        adminUser,
        authorizedKey: args.adminKey.publicKey,
        hostKey: hostKey.privateKey,
        hostPublicKey: hostKey.publicKey,
        binds: args.binds ?? [],
        running,
      },
      // As with a VM: the changes of the container are an overlay on the image that it was created from.
      { parent: this, ignoreChanges: ["rootDirectory", ...(running ? [] : ["running"])] },
    );

    const { address, adminKey, proxyCommand } = args;
    const access = sshAccess({
      address,
      adminUser,
      adminKey,
      hostKey,
      proxyCommand,
      machineId: container.id,
    });
    this.address = access.address;
    this.login = access.login;
    this.ssh = access.ssh;
    this.ready = running
      ? new host.SshReady(
          `${name}-ready`,
          { ssh: this.ssh, generation: container.generation, starts: [container.id] },
          { parent: this },
        ).ready
      : container.generation;
    this.registered = container.urn;
    this.registerOutputs({ address: this.address, ready: this.ready });
  }
}
