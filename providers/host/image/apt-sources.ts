import { access } from "node:fs/promises";
import { execa } from "execa";
import { ProviderError } from "../../framework/resource.ts";
import type { ImageInputs } from "./inputs.ts";
import { distributions } from "./recipe.ts";

/**
 * The lines of sources.list that an image is built with: the mirror that was asked for, else what this host itself uses
 * for the same release, so that a mirror near it or a proxy is used without another setting, else the distribution's.
 */
export async function aptSources(
  inputs: Pick<ImageInputs, "distribution" | "architecture" | "mirror">,
): Promise<string[]> {
  const { keyring, keyringPackage } = distributions[inputs.distribution];
  await access(keyring).catch(() => {
    throw new ProviderError(
      `${keyring}: packages of ${inputs.distribution} are signed with its keys, and this host has none: \`apt-get install ${keyringPackage}\``,
    );
  });
  // apt of another distribution, and of Debian from 13 on, trusts no key that its line does not name. The image has it in the same place.
  return (await unsignedSources(inputs)).map((line) => line.replace(/^deb /, `deb [signed-by=${keyring}] `));
}

async function unsignedSources(
  inputs: Pick<ImageInputs, "distribution" | "architecture" | "mirror">,
): Promise<string[]> {
  const { suite, components, origin, mirror, security } = distributions[inputs.distribution];
  if (inputs.mirror !== undefined) {
    return [suite, `${suite}-updates`].map((release) => `deb ${inputs.mirror} ${release} ${components}`);
  }
  const own = await hostSources(origin, suite);
  if (own.length > 0) return own;
  return [
    `deb ${mirror[inputs.architecture]} ${suite} ${components}`,
    `deb ${mirror[inputs.architecture]} ${suite}-updates ${components}`,
    `deb ${security[inputs.architecture]} ${suite}-security ${components}`,
  ];
}

/**
 * What apt of this host says that it uses for a release, whichever way it is configured; empty for another release.
 * Only the distribution's own: the keys of other repositories are not known while an image is built.
 */
async function hostSources(origin: string, suite: string): Promise<string[]> {
  const format = "$(ORIGIN)\t$(CODENAME)\tdeb $(REPO_URI) $(RELEASE) $(COMPONENT)";
  const targets = await execa("apt-get", ["indextargets", "--format", format, "Identifier: Packages"], {
    reject: false,
  });
  if (targets.exitCode !== 0) return [];
  const lines = targets.stdout
    .split("\n")
    .map((line) => line.split("\t"))
    .filter(([from, codename]) => from === origin && codename?.replace(/-(updates|security)$/, "") === suite)
    .flatMap(([, , line]) => line ?? []);
  return [...new Set(lines)].sort();
}
