import { fstabLine, type CloudInitNetwork, type CloudInitUser } from "./cloud-init.ts";

/**
 * The files on a VM's NoCloud disk that a golden image reads at boot: images/golden/overlay/usr/lib/ai-how/identity installs
 * them. Other images get the same settings from cloud-init.
 */
export function identityFiles(
  user: Omit<CloudInitUser, "hostPrivateKey">,
  network: CloudInitNetwork,
): Record<string, string> {
  return {
    "ai-how/hostname": `${user.hostname}\n`,
    "ai-how/network": networkFile(network),
    "ai-how/host-key.pub": `${user.hostPublicKey.trim()}\n`,
    "ai-how/admin-user": `${user.adminUser}\n`,
    "ai-how/authorized-keys": `${user.authorizedKey.trim()}\n`,
    "ai-how/fstab": user.mounts.map((mount) => `${fstabLine(mount)}\n`).join(""),
  };
}

/** The secret one of those files: the private SSH host key. */
export function secretIdentityFiles({
  hostPrivateKey,
}: Pick<CloudInitUser, "hostPrivateKey">): Record<string, string> {
  return { "ai-how/host-key": `${hostPrivateKey.trim()}\n` };
}

/** The file of systemd.network(5) for the one interface, matched by its MAC address. */
function networkFile({ domain, mac, address, gateway }: CloudInitNetwork): string {
  const addressing =
    address === undefined
      ? ["DHCP=ipv4"]
      : [`Address=${address}`, `Gateway=${gateway}`, `DNS=${gateway}`, `Domains=${domain}`];
  // No router sends advertisements here, and waiting for them delays every boot.
  return ["[Match]", `MACAddress=${mac}`, "", "[Network]", ...addressing, "IPv6AcceptRA=no", ""].join("\n");
}
