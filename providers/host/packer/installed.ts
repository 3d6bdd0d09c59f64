import { execa } from "execa";
import * as versions from "../../../versions/tools.ts";

/** How to install Packer: advice for a problem of `packerLacks`. */
export const installPacker = `\`apt-get install packer\` on Debian 12 gives ${versions.packer}; docs/images.md has other ways`;

/** Why this host cannot build images with Packer, in half a sentence; undefined if it can. */
export async function packerLacks(): Promise<string | undefined> {
  const asked = await execa("packer", ["version"], {
    env: { CHECKPOINT_DISABLE: "1" }, // no request for newer versions
    reject: false,
    stdin: "ignore",
  });
  // Other programs are called packer, too.
  const version = /^Packer v(\S+)/m.exec(asked.stdout)?.[1];
  if (version === versions.packer) return undefined;
  return version === undefined ? "it is not installed" : `version ${version} is not ${versions.packer}`;
}
