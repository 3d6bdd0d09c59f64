import { beegfs } from "../../versions/tools.ts";

/** The kernels that a version of BeeGFS's client module supports: `from` to `to`, both inclusive, `6.11`. */
export interface BeegfsKernels {
  /** First version that supports them; later patches of the same minor version do, too. */
  readonly version: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Supported kernels, newest BeeGFS first. Sources:
 * - `to` of 7.4: release notes (7.4.5: 6.8, 7.4.6: 6.11).
 * - `to` of 8: the release notes give no numbers, only "the latest kernels of distributions and the latest LTS kernels". Since
 *   8.3.0 the client's sources support the dentry operation that Linux 6.14 changed; 8.1 does not build on 6.12 and 6.14
 *   (ThinkParQ/beegfs#73).
 * - `from`: the oldest distribution that has packages (8: RHEL 8 with 4.18; 7: RHEL 7 with 3.10).
 */
export const beegfsKernels: readonly BeegfsKernels[] = [
  { version: "8.3.0", from: "4.18", to: "6.14" },
  { version: "8.2.1", from: "4.18", to: "6.11" },
  { version: "8.1.0", from: "4.18", to: "6.11" },
  { version: "8.0.1", from: "4.18", to: "6.11" },
  { version: "7.4.6", from: "3.10", to: "6.11" },
  { version: "7.4.5", from: "3.10", to: "6.8" },
];

/** The version that is installed by default. */
export const newestBeegfs: string = beegfs.version;

/** Kernels of the distributions' images. Role `beegfs` checks machines that run another one. */
export const distributionKernels = { debian12: "6.1", ubuntu2404: "6.8" } as const;

/** The kernels that a version supports; undefined for an unknown version. */
export function kernelsOf(version: string): BeegfsKernels | undefined {
  return beegfsKernels.find(
    (row) => minorOf(row.version) === minorOf(version) && compare(row.version, version) <= 0,
  );
}

/** Why a version does not support a kernel, and which versions do; undefined when it does. */
export function kernelProblem(version: string, kernel: string): string | undefined {
  const row = kernelsOf(version);
  const known = beegfsKernels.map((row) => row.version).join(", ");
  if (row === undefined) return `BeeGFS ${version} is not a known version; use one of ${known}`;
  if (fits(row, kernel)) return undefined;
  const others = beegfsKernels.filter((other) => fits(other, kernel)).map((other) => other.version);
  return (
    `BeeGFS ${version} supports kernels ${row.from} to ${row.to}, not ${kernel}; ` +
    (others.length > 0 ? `use ${others.join(" or ")}, or storage.nfs` : "use storage.nfs")
  );
}

/** The minor version: `8.3` of `8.3.1`. */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

function fits({ from, to }: BeegfsKernels, kernel: string): boolean {
  return compare(from, kernel) <= 0 && compare(kernel, to) <= 0;
}

/** Negative when the first version is lower, 0 when both are equal. */
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
