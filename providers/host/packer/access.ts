import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { makeSeedDisk } from "../../framework/seed-disk.ts";
import { generateSshKey } from "../ssh-key.ts";

/** How a build logs in to its machine. */
export interface BuildAccess {
  /** NoCloud disk with the build's key. */
  readonly seed: string;
  readonly privateKeyFile: string;
  /** The machine's public SSH host key, without a comment. */
  readonly hostKey: string;
}

/** Creates keys for one build, in a folder that only its owner may read and that is removed with the build. */
export async function makeBuildAccess(directory: string, adminUser: string): Promise<BuildAccess> {
  const [admin, host] = await Promise.all([generateSshKey("build"), generateSshKey("build")]);
  const privateKeyFile = join(directory, "key");
  await writeFile(privateKeyFile, admin.privateKey, { mode: 0o600 });
  const userData = {
    hostname: "image",
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: host.privateKey, ed25519_public: host.publicKey },
    disable_root: true,
    ssh_pwauth: false,
    users: [
      {
        name: adminUser,
        shell: "/bin/bash",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        lock_passwd: true,
        ssh_authorized_keys: [admin.publicKey],
      },
    ],
  };
  // The same for images of mmdebstrap, which have no cloud-init (images/golden/overlay/usr/lib/ai-how/identity).
  const files = {
    "ai-how/hostname": "image\n",
    "ai-how/network": "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n",
    "ai-how/host-key": host.privateKey,
    "ai-how/host-key.pub": `${host.publicKey}\n`,
    "ai-how/admin-user": `${adminUser}\n`,
    "ai-how/authorized-keys": `${admin.publicKey}\n`,
    "ai-how/fstab": "",
  };
  const seed = await makeSeedDisk(directory, {
    userData: `#cloud-config\n${stringify(userData, { lineWidth: 0 })}`,
    metaData: stringify({ "instance-id": "build", "local-hostname": "image" }),
    files,
  });
  return { seed, privateKeyFile, hostKey: host.publicKey.split(" ").slice(0, 2).join(" ") };
}
