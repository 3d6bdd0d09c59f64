import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { distributions } from "../../providers/host/image/recipe.ts";
import { repository } from "./project.ts";

export const MIRROR = distributions.debian12.mirror.amd64;
export const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
/** Folder of the checkout in such a root. */
export const CHECKOUT = "/srv/ai-how";

const KEYRING = distributions.debian12.keyring;
// A proxy or registry of this host's own.
const PASSED_ON = ["http_proxy", "https_proxy", "no_proxy", "npm_config_registry", "PIP_INDEX_URL"];

/**
 * A script that makes a Debian root in the folder $1, with packages from the folder $ARCHIVES, which keeps the downloaded ones. Its sources
 * name the keyring, because the host's apt may not trust Debian's keys.
 */
export function debianRoot(suite: string, packages: string): string {
  return `set -e
unset TMPDIR
line() { echo "deb [signed-by=${KEYRING}] $*"; }
{ line ${MIRROR} ${suite} main; line ${MIRROR} ${suite}-updates main; line ${MIRROR}-security ${suite}-security main; } |
  mmdebstrap --quiet --mode=root --format=directory --variant=minbase --include=${packages} \\
    --skip=download/empty --skip=essential/unlink --skip=cleanup/apt \\
    --aptopt='APT::Keep-Downloaded-Packages "true"' --aptopt='Acquire::Languages "none"' \\
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \\
    --setup-hook='mkdir -p "$1/var/cache/apt/archives"; mount --bind "$ARCHIVES" "$1/var/cache/apt/archives"' \\
    --customize-hook='umount "$1/var/cache/apt/archives"' ${suite} "$1" -
`;
}

/** Variables with which npm and pip in the root reach the same registries as on this host. */
export function registryVariables(): string[] {
  return [
    `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`,
    `PIP_CERT=${CERTIFICATES}`,
    ...PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : `${name}=${process.env[name]}`)),
  ];
}

/** Runs a program in mount and process namespaces that end with it. */
export const IN_NAMESPACES = [
  ...["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc"],
] as const;

/** The reason why the mirror cannot be used for a suite; undefined: it can. */
export async function mirrorLacks(suite: string): Promise<string | undefined> {
  const url = `${MIRROR}/dists/${suite}/Release`;
  const { failed } = await execa("curl", ["-sfI", "--max-time", "20", url], { reject: false });
  return failed ? `${url} cannot be fetched` : undefined;
}

/** Copies files of this checkout, as they are now, that `git` lists. */
export async function copyCheckout(root: string, list: readonly string[]): Promise<void> {
  const target = join(root, CHECKOUT);
  await mkdir(target, { recursive: true });
  const script = `git -c safe.directory='*' "$@" | tar --null --files-from=- --ignore-failed-read --create | tar --extract --directory="$0"`;
  await execa("bash", ["-o", "pipefail", "-c", script, target, ...list], { cwd: repository });
}
