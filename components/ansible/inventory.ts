import type { Machine, SshEndpoint } from "../machines/machine.ts";

/** Ansible variables: anything that JSON can say. */
export type Variables = Readonly<Record<string, unknown>>;

/** A machine with everything known that an inventory says about it. */
export interface InventoryHost {
  readonly name: string;
  readonly kind: Machine["kind"];
  readonly address: string;
  readonly ssh: SshEndpoint;
}

/** An inventory in the form that Ansible's inventory scripts print. */
export function inventory(
  groups: Readonly<Record<string, readonly string[]>>,
  hosts: readonly InventoryHost[],
  variables: Variables,
): Variables {
  return {
    all: { children: Object.keys(groups), vars: variables },
    ...Object.fromEntries(Object.entries(groups).map(([group, members]) => [group, { hosts: members }])),
    _meta: { hostvars: Object.fromEntries(hosts.map((host) => [host.name, hostVariables(host)])) },
  };
}

/** The pinned host keys, in the form of OpenSSH's known_hosts. */
export function knownHosts(hosts: readonly InventoryHost[]): string {
  return hosts
    .map(
      ({ ssh }) =>
        `${ssh.port === 22 ? ssh.address : `[${ssh.address}]:${ssh.port}`} ${ssh.hostKey.trim()}\n`,
    )
    .join("");
}

function hostVariables({ kind, address, ssh }: InventoryHost): Variables {
  return {
    ansible_host: ssh.address,
    ansible_port: ssh.port,
    ansible_user: ssh.user,
    ...(ssh.proxyCommand !== undefined && {
      ansible_ssh_common_args: `-o ProxyCommand="${ssh.proxyCommand}"`,
    }),
    ...(ssh.privateKeyPath !== undefined && { ansible_ssh_private_key_file: ssh.privateKeyPath }),
    node_kind: kind,
    node_address: address,
  };
}
