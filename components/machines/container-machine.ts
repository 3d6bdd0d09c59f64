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
  /** The network namespace in which the network's bridge lies. */
  networkNamespace: pulumi.Input<string>;
  /** Where its changes to the image are kept. */
  stateDirectory: pulumi.Input<string>;
  mac: pulumi.Input<string>;
  address: string;
  /** The user that Ansible and people log in as. Default `admin`. */
  adminUser?: string;
  /** Key pair of that user. */
  adminKey: host.SshKey;
  /** How SSH gets into the network; undefined: directly. */
  proxyCommand?: pulumi.Input<string>;
  /** Folders of the host that it shares. Default none. */
  binds?: pulumi.Input<pulumi.Input<host.ContainerBindArgs>[]>;
  /** Whether it starts by itself; else it is made, and left as people leave it. Default true. */
  running?: boolean;
}

/** A full system in a container, from the same image as a VM: boots in two seconds and shares the host's kernel. */
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
        // The bridge is there when the network is.
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
      // As with a VM: what the machine has changed lies over the image that it began with.
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
