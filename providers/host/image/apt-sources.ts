import { access } from "node:fs/promises";
import { execa } from "execa";
import { ProviderError } from "../../framework/resource.ts";
import type { ImageInputs } from "./inputs.ts";
import { distributions } from "./recipe.ts";

/**
 * The lines of sources.list for an image's build: the configured mirror, else this host's own sources if it runs the same
 * release (so that its mirror or proxy is used), else the distribution's.
 */
export async function aptSources(
  inputs: Pick<ImageInputs, "distribution" | "architecture" | "mirror">,
): Promise<string[]> {
  const { keyring, keyringPackage } = distributions[inputs.distribution];
  await access(keyring).catch(() => {
    throw new ProviderError(
      `${keyring}: packages of ${inputs.distribution} are signed with its keys, which this host lacks: \`apt-get install ${keyringPackage}\``,
    );
  });
  // apt of another distribution, and of Debian 13 and later, accepts only the key that the line names. The image has the key at the same path.
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
 * The sources that this host's apt uses for a release, however it is configured; empty if the host runs another release. Only the
 * distribution's own, because the build has no keys of other repositories.
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
