import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { ProviderError } from "./resource.ts";

/** What cloud-init reads from a NoCloud disk. */
export interface Seed {
  readonly userData: string;
  readonly metaData: string;
  /** Default: cloud-init uses DHCP. */
  readonly networkConfig?: string | undefined;
  /** Other files by their paths on the disk, which cloud-init ignores. Default none. */
  readonly files?: Readonly<Record<string, string>> | undefined;
}

// The first one that is installed is used; all three take mkisofs' options.
const isoTools = [["genisoimage"], ["xorriso", "-as", "genisoimage"], ["mkisofs"]] as const;

/** Makes a NoCloud disk in a folder that only its owner may read, and returns its path. */
export async function makeSeedDisk(directory: string, seed: Seed): Promise<string> {
  const contents: Readonly<Record<string, string>> = {
    ...seed.files,
    "user-data": seed.userData,
    "meta-data": seed.metaData,
    ...(seed.networkConfig === undefined ? {} : { "network-config": seed.networkConfig }),
  };
  const root = join(directory, "seed");
  for (const [name, content] of Object.entries(contents)) {
    const file = join(root, name);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, content, { mode: 0o600 });
  }
  const iso = join(directory, "seed.iso");
  for (const [tool, ...options] of isoTools) {
    const made = await execa(
      tool,
      [...options, "-quiet", "-output", iso, "-volid", "cidata", "-joliet", "-rock", root],
      { reject: false, stdin: "ignore" },
    );
    if (made.exitCode === 0) return iso;
    if (made.code !== "ENOENT")
      throw new ProviderError(`${tool}: ${made.stderr.trim().split("\n").at(-1) ?? ""}`);
  }
  throw new ProviderError("no tool that makes ISO images: install genisoimage or xorriso");
}
