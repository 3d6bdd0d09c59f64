import { stringify } from "yaml";

/** Identity of a new VM and its login user. Everything else is in the image. */
export interface CloudInitUser {
  readonly hostname: string;
  readonly domain: string;
  /** User for logins by Ansible and people, with sudo without a password. */
  readonly adminUser: string;
  readonly authorizedKey: string;
  readonly hostPrivateKey: string;
  readonly hostPublicKey: string;
  /** Folders of the host, shared by virtiofs. */
  readonly mounts: readonly { readonly tag: string; readonly mountPoint: string; readonly options: string }[];
}

export interface CloudInitNetwork {
  readonly domain: string;
  readonly mac: string;
  /** Address with prefix length, `10.0.0.10/24`. Undefined: DHCP. */
  readonly address: string | undefined;
  readonly gateway: string;
}

/** `user-data` of NoCloud. It sets the SSH host key, so that clients can verify the first connection. */
export function userData(seed: CloudInitUser): string {
  const config = {
    hostname: seed.hostname,
    fqdn: `${seed.hostname}.${seed.domain}`,
    prefer_fqdn_over_hostname: false,
    ssh_deletekeys: false,
    ssh_keys: { ed25519_private: seed.hostPrivateKey, ed25519_public: seed.hostPublicKey },
    disable_root: true,
    ssh_pwauth: false,
    users: [
      {
        name: seed.adminUser,
        shell: "/bin/bash",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        lock_passwd: true,
        ssh_authorized_keys: [seed.authorizedKey],
      },
    ],
    ...(seed.mounts.length > 0 && { bootcmd: seed.mounts.map(mountCommand) }),
  };
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`;
}

/** Mounts one folder now, and by fstab at later boots. cloud-init's module `mounts` supports block devices and NFS only. */
function mountCommand(mount: CloudInitUser["mounts"][number]): string[] {
  const script =
    'mkdir -p "$1"; grep -qxF "$2" /etc/fstab || printf "%s\\n" "$2" >> /etc/fstab; mountpoint -q "$1" || mount "$1"';
  return ["sh", "-c", script, "mount", mount.mountPoint, fstabLine(mount)];
}

/** The line of fstab(5) for a shared folder; `nofail` lets the machine boot without the folder. */
export function fstabLine({ tag, mountPoint, options }: CloudInitUser["mounts"][number]): string {
  // fstab(5) writes a space as \040.
  return `${tag} ${mountPoint.replaceAll(" ", "\\040")} virtiofs ${options},nofail 0 0`;
}

/** `meta-data` of NoCloud. */
export function metaData(hostname: string): string {
  return stringify({ "instance-id": hostname, "local-hostname": hostname });
}

/** `network-config` of NoCloud, version 2: one interface, matched by its MAC address. */
export function networkConfig(seed: CloudInitNetwork): string {
  const addressing =
    seed.address === undefined
      ? { dhcp4: true }
      : {
          addresses: [seed.address],
          routes: [{ to: "0.0.0.0/0", via: seed.gateway }],
          nameservers: { addresses: [seed.gateway], search: [seed.domain] },
        };
  return stringify({
    version: 2,
    // No router sends advertisements here, and waiting for them delays every boot.
    ethernets: { lan: { match: { macaddress: seed.mac }, "accept-ra": false, ...addressing } },
  });
}
