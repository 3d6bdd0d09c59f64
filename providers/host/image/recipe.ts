import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** The folder of this checkout. */
export const checkout = resolve(import.meta.dirname, "..", "..", "..");

const consoles = { amd64: "ttyS0", arm64: "ttyAMA0" };
const kernelArguments = (architecture: keyof typeof consoles) =>
  `root=/dev/vda rootfstype=ext4 rw console=${consoles[architecture]} quiet`;
const eachArchitecture = { amd64: kernelArguments("amd64"), arm64: kernelArguments("arm64") };

/** The distributions that have package lists. */
export const distributions = {
  debian12: {
    suite: "bookworm",
    origin: "Debian",
    keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
    keyringPackage: "debian-archive-keyring",
    components: "main",
    mirror: { amd64: "http://deb.debian.org/debian", arm64: "http://deb.debian.org/debian" },
    security: {
      amd64: "http://deb.debian.org/debian-security",
      arm64: "http://deb.debian.org/debian-security",
    },
    kernelArguments: eachArchitecture,
  },
  ubuntu2404: {
    suite: "noble",
    origin: "Ubuntu",
    keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    keyringPackage: "ubuntu-keyring",
    components: "main universe",
    mirror: { amd64: "http://archive.ubuntu.com/ubuntu", arm64: "http://ports.ubuntu.com/ubuntu-ports" },
    security: { amd64: "http://security.ubuntu.com/ubuntu", arm64: "http://ports.ubuntu.com/ubuntu-ports" },
    kernelArguments: eachArchitecture,
  },
} as const;

/** The files that baking depends on. A role's marker on a machine records their digest. */
export const bakingFiles = [
  "ansible/library/*.py",
  "ansible/playbooks/bake.yml",
  "ansible/roles/*/defaults/*",
  "ansible/roles/*/files/bake/*",
  "ansible/roles/*/tasks/{bake,baked,packages}.yml",
  "ansible/roles/*/templates/bake/*",
  "ansible/roles/*/vars/*",
];

/** Digest of the files that images are built from. */
export function recipeDigest(): string {
  return filesDigest(["images/golden/**/*", "ansible/plugins/connection/chroot.py", ...bakingFiles]);
}

/** Digest of files of the checkout: of their names, modes and content. Role beegfs is left out: it bakes nothing. */
export function filesDigest(patterns: readonly string[]): string {
  const digest = createHash("sha256");
  for (const file of globSync(patterns, { cwd: checkout, exclude: ["ansible/roles/beegfs/**"] }).sort()) {
    const path = join(checkout, file);
    const stat = statSync(path);
    if (!stat.isFile()) continue;
    // Git records only whether a file is executable, so no other mode bit counts.
    digest.update(`${file}\0${(stat.mode & 0o100) !== 0 ? "x" : "-"}\0${stat.size}\0`);
    digest.update(readFileSync(path));
  }
  return digest.digest("hex");
}

/** Debian's name of this machine's architecture. */
export function architectureOfHost(): "amd64" | "arm64" {
  return process.arch === "arm64" ? "arm64" : "amd64";
}

const packageFile = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.array(z.string()))));

/** Every package that an image installs: what booting needs, what the roles list, and what the inputs add. */
export function packagesOf(inputs: {
  readonly distribution: keyof typeof distributions;
  readonly architecture: string;
  readonly packages: readonly string[];
}): string[] {
  const files = [
    "images/golden/packages.yml",
    // NVIDIA's driver is a gigabyte, and only some machines have GPUs: playbook `bake` installs it on request.
    // The packages that build BeeGFS's module are only in images of clusters with BeeGFS.
    ...globSync("ansible/roles/*/vars/packages.yml", {
      cwd: checkout,
      exclude: ["ansible/roles/nvidia/**", "ansible/roles/beegfs/**"],
    }),
  ];
  const listed = files.flatMap((file) => {
    const lists = packageFile.parse(parse(readFileSync(join(checkout, file), "utf8")));
    return Object.values(lists)
      .flatMap((parts) => Object.values(parts))
      .flatMap((byDistribution) => [
        ...(byDistribution.any ?? []),
        ...(byDistribution[inputs.distribution] ?? []),
      ]);
  });
  const names = [...listed, ...inputs.packages].map((name) =>
    name.replace("{architecture}", inputs.architecture),
  );
  return [...new Set(names)].sort();
}

/** The program that builds. */
export const builder = join(checkout, "images", "golden", "build");
