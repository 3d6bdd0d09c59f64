import { fstabLine, type CloudInitNetwork, type CloudInitUser } from "./cloud-init.ts";

/**
 * What makes a VM differ from a golden image of ours, as files of its NoCloud disk; images/golden/overlay/usr/lib/ai-how/identity
 * puts them in their places. Other images get the same from cloud-init.
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

/** The one of those files that is secret. */
export function secretIdentityFiles({
  hostPrivateKey,
}: Pick<CloudInitUser, "hostPrivateKey">): Record<string, string> {
  return { "ai-how/host-key": `${hostPrivateKey.trim()}\n` };
}

/** systemd.network(5) of the one interface, found by its MAC. */
function networkFile({ domain, mac, address, gateway }: CloudInitNetwork): string {
  const addressing =
    address === undefined
      ? ["DHCP=ipv4"]
      : [`Address=${address}`, `Gateway=${gateway}`, `DNS=${gateway}`, `Domains=${domain}`];
  // Nobody advertises routes here, and waiting for them delays every boot.
  return ["[Match]", `MACAddress=${mac}`, "", "[Network]", ...addressing, "IPv6AcceptRA=no", ""].join("\n");
}
