import { stringify } from "yaml";

/** Who a fresh VM is, and who may log in; everything else is in the image. */
export interface CloudInitUser {
  readonly hostname: string;
  readonly domain: string;
  /** User that Ansible and people log in as; may become root without a password. */
  readonly adminUser: string;
  readonly authorizedKey: string;
  readonly hostPrivateKey: string;
  readonly hostPublicKey: string;
  /** virtiofs mounts. */
  readonly mounts: readonly { readonly tag: string; readonly mountPoint: string; readonly options: string }[];
}

export interface CloudInitNetwork {
  readonly domain: string;
  readonly mac: string;
  /** With prefix, `10.0.0.10/24`; undefined: DHCP. */
  readonly address: string | undefined;
  readonly gateway: string;
}

/** NoCloud `user-data`. The SSH host key is given, so that the first connection already knows whom it talks to. */
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

/** Mounts one folder, at this boot and by fstab at every other. cloud-init's module `mounts` takes block devices and NFS only. */
function mountCommand(mount: CloudInitUser["mounts"][number]): string[] {
  const script =
    'mkdir -p "$1"; grep -qxF "$2" /etc/fstab || printf "%s\\n" "$2" >> /etc/fstab; mountpoint -q "$1" || mount "$1"';
  return ["sh", "-c", script, "mount", mount.mountPoint, fstabLine(mount)];
}

/** The line of fstab(5) for a folder of the host. Without it the machine still boots. */
export function fstabLine({ tag, mountPoint, options }: CloudInitUser["mounts"][number]): string {
  // A blank in a path is \\040 there.
  return `${tag} ${mountPoint.replaceAll(" ", "\\040")} virtiofs ${options},nofail 0 0`;
}

/** NoCloud `meta-data`. */
export function metaData(hostname: string): string {
  return stringify({ "instance-id": hostname, "local-hostname": hostname });
}

/** NoCloud `network-config`, version 2: the one interface, found by its MAC. */
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
    // Nobody advertises routes here, and waiting for them delays every boot.
    ethernets: { lan: { match: { macaddress: seed.mac }, "accept-ra": false, ...addressing } },
  });
}
