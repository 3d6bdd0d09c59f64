import { beegfs } from "../../versions/tools.ts";

/** Kernels that a version of BeeGFS's client module is for, `6.1` and `6.11` inclusive. */
export interface BeegfsKernels {
  /** The first version that this is said of; it holds for later ones of the same minor version. */
  readonly version: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Which BeeGFS is for which kernel, newest first. `to` of 7.4 is what its release notes say (7.4.5: 6.8, 7.4.6: 6.11). For 8 its
 * makers say "the latest kernels of distributions and the latest LTS kernels" without numbers: what is here is derived from the
 * client's sources, which know the dentry operation that Linux 6.14 changed since 8.3.0 (ThinkParQ/beegfs#73: 8.1 does not build
 * on 6.12 and 6.14), and `from` from the oldest distributions that there are packages for (RHEL 8: 4.18; before 8, RHEL 7: 3.10).
 */
export const beegfsKernels: readonly BeegfsKernels[] = [
  { version: "8.3.0", from: "4.18", to: "6.14" },
  { version: "8.2.1", from: "4.18", to: "6.11" },
  { version: "8.1.0", from: "4.18", to: "6.11" },
  { version: "8.0.1", from: "4.18", to: "6.11" },
  { version: "7.4.6", from: "3.10", to: "6.11" },
  { version: "7.4.5", from: "3.10", to: "6.8" },
];

/** The version that is installed where none is asked for. */
export const newestBeegfs: string = beegfs.version;

/** What distributions' own kernels are; machines with others are checked when they run. */
export const distributionKernels = { debian12: "6.1", ubuntu2404: "6.8" } as const;

/** The row of a version, or undefined where nothing is known of it. */
export function kernelsOf(version: string): BeegfsKernels | undefined {
  return beegfsKernels.find(
    (row) => minorOf(row.version) === minorOf(version) && compare(row.version, version) <= 0,
  );
}

/** Why a version's client module does not fit a kernel, and what would; undefined where it fits. */
export function kernelProblem(version: string, kernel: string): string | undefined {
  const row = kernelsOf(version);
  const known = beegfsKernels.map((row) => row.version).join(", ");
  if (row === undefined) return `nothing is known of BeeGFS ${version}; known are ${known}`;
  if (fits(row, kernel)) return undefined;
  const others = beegfsKernels.filter((other) => fits(other, kernel)).map((other) => other.version);
  return (
    `BeeGFS ${version} is for kernels ${row.from} to ${row.to}, not ${kernel}; ` +
    (others.length > 0 ? `${others.join(", ")} would fit, and so does storage.nfs` : "use storage.nfs")
  );
}

/** `8.3` of `8.3.1`. */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

function fits({ from, to }: BeegfsKernels, kernel: string): boolean {
  return compare(from, kernel) <= 0 && compare(kernel, to) <= 0;
}

/** Less than 0 where the first version is the lower one. */
function compare(one: string, other: string): number {
  const numbers = (version: string) => version.split(".").map(Number);
  const a = numbers(one);
  const b = numbers(other);
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
