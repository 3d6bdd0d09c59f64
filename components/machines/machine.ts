import * as pulumi from "@pulumi/pulumi";
import type { SshKey } from "../../providers/host/resources.ts";

/** How to reach a machine by SSH. */
export interface SshEndpoint {
  /** Address or name, as the proxy or this host resolves it. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Public host key, `ssh-ed25519 AAAA...`; clients accept no other. */
  readonly hostKey: string;
  /** An OpenSSH ProxyCommand. Undefined: a direct connection. */
  readonly proxyCommand?: string;
  /** Secret. Undefined: the key in `privateKeyPath`. */
  readonly privateKey?: string;
  /** Key file of the user; `~` is the home folder. Undefined: the keys of the user's SSH agent and client. */
  readonly privateKeyPath?: string;
}

/** The parts of an endpoint that are not secret, each known as early as possible. */
export interface SshLogin {
  readonly user: pulumi.Input<string>;
  readonly port: pulumi.Input<number>;
  readonly hostKey: pulumi.Input<string>;
  readonly proxyCommand: pulumi.Input<string | undefined>;
  /** Key file of the user. Undefined: the stack's key, or the keys of the user's SSH client. */
  readonly privateKeyPath?: pulumi.Input<string | undefined>;
}

/** A machine that Ansible configures: a VM, a container node, or an existing host. */
export interface Machine {
  /** Hostname; unique in the stack and known from the start. */
  readonly name: string;
  /** Roles need to know: containers share the host's kernel. */
  readonly kind: "vm" | "container" | "host";
  /** Address for other machines. */
  readonly address: pulumi.Output<string>;
  /** Secret, because it contains the private key. */
  readonly ssh: pulumi.Output<SshEndpoint>;
  readonly login: SshLogin;
  /** Resolves once SSH answers. Changes when the machine gets a new disk. */
  readonly ready: pulumi.Output<string>;
  /** URN of the VM or container; known, even in a preview, once it is registered with the engine. */
  readonly registered: pulumi.Output<pulumi.URN>;
}

export interface SshAccessArgs {
  readonly address: string;
  readonly adminUser: string;
  readonly adminKey: SshKey;
  readonly hostKey: SshKey;
  /** An OpenSSH ProxyCommand. Default: a direct connection. */
  readonly proxyCommand: pulumi.Input<string> | undefined;
  /** ID of the VM or container; the endpoint is known once it is. */
  readonly machineId: pulumi.Output<string>;
}

/** How to reach a machine that this stack creates: on port 22, by the stack's own key pairs. */
export function sshAccess({
  address,
  adminUser: user,
  adminKey,
  hostKey,
  proxyCommand,
  machineId,
}: SshAccessArgs): Pick<Machine, "address" | "ssh" | "login"> {
  const port = 22;
  return {
    address: machineId.apply(() => address),
    login: { user, port, hostKey: hostKey.publicKey, proxyCommand },
    ssh: pulumi.secret(
      pulumi
        .all([hostKey.publicKey, adminKey.privateKey, proxyCommand, machineId])
        .apply(([publicKey, privateKey, proxyCommand]) => ({
          ...{ address, port, user, hostKey: publicKey, privateKey },
          ...(proxyCommand !== undefined && { proxyCommand }),
        })),
    ),
  };
}
