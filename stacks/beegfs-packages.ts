import { globSync } from "node:fs";
import { basename, join } from "node:path";

/** The BeeGFS packages to find. */
export interface WantedPackages {
  readonly version: string;
  /** Whether to find the package that verifies a license, too. */
  readonly license: boolean;
}

/** Finds one .deb file of the version for each package, at any depth. `missing` is a message that names the packages not found. */
export function packageFiles(
  directory: string,
  { version, license }: WantedPackages,
): { readonly files: string[]; readonly missing: string | undefined } {
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const wanted = [
    ...["beegfs-mgmtd", "beegfs-tools", "beegfs-meta", "beegfs-storage", "beegfs-client-dkms"],
    ...(license ? ["libbeegfs-license"] : []),
  ];
  const files = globSync("**/*.deb", { cwd: directory }).sort();
  const found = wanted.map((name) => ({
    name,
    file: files.find((file) => isPackage(basename(file), name, version, architecture)),
  }));
  const missing = found.filter(({ file }) => file === undefined).map(({ name }) => name);
  return {
    files: found.flatMap(({ file }) => (file === undefined ? [] : [join(directory, file)])),
    missing:
      missing.length === 0
        ? undefined
        : `${directory} has no ${missing.join(", ")} ${version} for ${architecture}; put the .deb files there`,
  };
}

/** True for a file named `NAME_VERSION_ARCHITECTURE.deb`; VERSION may have an epoch, `20%3a`, and a revision, `-1`. */
function isPackage(file: string, name: string, version: string, architecture: string): boolean {
  const [itsName, itsVersion = "", itsArchitecture = ""] = file.replace(/\.deb$/, "").split("_");
  const plain = itsVersion.replace(/^\d+(:|%3a)/i, "");
  return (
    itsName === name &&
    [architecture, "all"].includes(itsArchitecture) &&
    plain.startsWith(version) &&
    /^([^\d.].*)?$/.test(plain.slice(version.length))
  );
}
