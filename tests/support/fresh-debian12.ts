import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { Running, type Said } from "./command.ts";
import {
  CERTIFICATES,
  CHECKOUT,
  copyCheckout,
  debianRoot,
  IN_NAMESPACES,
  mirrorLacks,
  registryVariables,
} from "./debian-root.ts";

// The packages that README.md requires.
const PACKAGES = "sudo,git,make,curl,ca-certificates,nodejs,npm";

// Caches of the user, which all checkouts share.
const caches = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
const ARCHIVES = join(caches, "ai-how/debian12/archives");
const MOUNTS = {
  [ARCHIVES]: "/var/cache/apt/archives",
  [join(caches, "pip")]: "/root/.cache/pip",
  [process.env.npm_config_cache ?? join(homedir(), ".npm")]: "/root/.npm",
};

// Only one test at a time can use apt's archives.
const ALONE = ["flock", join(ARCHIVES, "../lock")] as const;

// Runs a command in the checkout of the root $1; the other arguments up to "--" are pairs of a folder and its mount point.
const enter = `set -e
root=$1
shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
  mkdir -p "$root$2"
  mount --bind "$1" "$root$2"
  shift 2
done
shift
for file in /etc/resolv.conf ${CERTIFICATES}; do touch "$root$file"; mount --bind "$file" "$root$file"; done
exec chroot "$root" sh -c 'cd ${CHECKOUT}; exec "$@"' sh "$@"
`;

/** A minimal Debian 12 in a folder, with this checkout and nothing that `tools/setup.sh` installs. Commands run in a chroot. */
export class FreshDebian12 {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<FreshDebian12> {
    const debian = new FreshDebian12(await mkdtemp(join(tmpdir(), "debian12-")));
    // apt reads files there as a user of its own.
    await chmod(debian.#folder, 0o755);
    for (const folder of [join(ARCHIVES, "partial"), ...Object.keys(MOUNTS)])
      await mkdir(folder, { recursive: true });
    const [program, ...args] = [
      ...ALONE,
      ...IN_NAMESPACES,
      "bash",
      "-c",
      debianRoot("bookworm", PACKAGES),
    ] as const;
    await execa(program, [...args, "bash", debian.#root], { env: { ARCHIVES } });
    await copyCheckout(debian.#root, ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    return debian;
  }

  get #root(): string {
    return join(this.#folder, "root");
  }

  run(...command: readonly string[]): Promise<Said> {
    const environment = ["HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "AI_HOW_ENGINE=in-process"];
    const [program, ...args] = [...ALONE, ...IN_NAMESPACES, "sh", "-c", enter, "sh", this.#root] as const;
    return new Running(program, [
      ...[...args, ...Object.entries(MOUNTS).flat(), "--"],
      ...["env", "-i", ...environment, ...registryVariables(), ...command],
    ]).ended;
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The reason why a fresh Debian 12 cannot be made; undefined: it can. */
export function freshDebian12Lacks(): Promise<string | undefined> {
  return mirrorLacks("bookworm");
}
