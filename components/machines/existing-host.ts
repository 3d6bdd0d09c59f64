import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";
import type { Machine, SshEndpoint, SshLogin } from "./machine.ts";

export interface ExistingHostArgs {
  /** Hostname in the stack. */
  hostname: string;
  /** Address for other machines. Default: the address of `ssh`. */
  address?: pulumi.Input<string>;
  ssh: pulumi.Input<SshEndpoint>;
}

/** A host that this stack does not manage: it is reached by SSH and configured, but never created or deleted. */
export class ExistingHost extends pulumi.ComponentResource implements Machine {
  readonly name: string;
  readonly kind = "host";
  readonly address: pulumi.Output<string>;
  readonly ssh: pulumi.Output<SshEndpoint>;
  readonly login: SshLogin;
  readonly ready: pulumi.Output<string>;
  readonly registered: pulumi.Output<pulumi.URN>;

  constructor(name: string, args: ExistingHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:machines:ExistingHost", name, {}, opts);
    this.name = args.hostname;
    this.ssh = pulumi.secret(args.ssh);
    const open = pulumi.unsecret(this.ssh.apply(({ privateKey: _secret, ...rest }) => rest));
    this.login = {
      user: open.user,
      port: open.port,
      hostKey: open.hostKey,
      proxyCommand: open.apply(({ proxyCommand }) => proxyCommand),
      privateKeyPath: open.apply(({ privateKeyPath }) => privateKeyPath),
    };
    this.address = pulumi.output(args.address ?? open.address);
    // The host key identifies the host.
    this.ready = new host.SshReady(
      `${name}-ready`,
      { ssh: this.ssh, generation: open.hostKey },
      { parent: this },
    ).ready;
    this.registered = this.urn;
    this.registerOutputs({ address: this.address, ready: this.ready });
  }
}
