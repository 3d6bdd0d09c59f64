import type { Machine, SshEndpoint } from "../machines/machine.ts";

/** Ansible variables: any JSON object. */
export type Variables = Readonly<Record<string, unknown>>;

/** A machine as the inventory lists it, with all values known. */
export interface InventoryHost {
  readonly name: string;
  readonly kind: Machine["kind"];
  readonly address: string;
  readonly ssh: SshEndpoint;
}

/** The inventory as JSON of an Ansible inventory script (`--list`). */
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

/** The host keys in the format of OpenSSH's known_hosts. */
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
