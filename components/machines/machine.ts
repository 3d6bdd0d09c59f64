import * as pulumi from "@pulumi/pulumi";
import type { SshKey } from "../../providers/host/resources.ts";

/** How to reach a machine by SSH. */
export interface SshEndpoint {
  /** Address or name, as the proxy or this host knows it. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Public host key, `ssh-ed25519 AAAA...`; nothing else is accepted. */
  readonly hostKey: string;
  /** An OpenSSH ProxyCommand; undefined: a direct connection. */
  readonly proxyCommand?: string;
  /** Secret; undefined: the key of `privateKeyPath`. */
  readonly privateKey?: string;
  /** A key file of the user's, `~` is the home folder; undefined: what the user's SSH agent and client have. */
  readonly privateKeyPath?: string;
}

/** The parts of an endpoint that are no secret, each known as early as it can be. */
export interface SshLogin {
  readonly user: pulumi.Input<string>;
  readonly port: pulumi.Input<number>;
  readonly hostKey: pulumi.Input<string>;
  readonly proxyCommand: pulumi.Input<string | undefined>;
  /** A key file of the user's; undefined: the stack's key, or what the user's SSH client has. */
  readonly privateKeyPath?: pulumi.Input<string | undefined>;
}

/** Anything that Ansible can reach: a VM, a container node, or a host that exists. */
export interface Machine {
  /** Its hostname; unique in the stack and known before anything exists. */
  readonly name: string;
  /** What a role may have to know: containers share the host's kernel. */
  readonly kind: "vm" | "container" | "host";
  /** The address that other machines reach it by. */
  readonly address: pulumi.Output<string>;
  /** A secret, for it holds the private key. */
  readonly ssh: pulumi.Output<SshEndpoint>;
  readonly login: SshLogin;
  /** Resolves once SSH answers; changes when the machine begins again with an empty disk. */
  readonly ready: pulumi.Output<string>;
  /** URN of what it runs as; known, in a preview as well, once the engine has heard of it. */
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
