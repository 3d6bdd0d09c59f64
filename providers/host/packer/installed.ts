import { execa } from "execa";
import * as versions from "../../../versions/tools.ts";

/** What to do where `packerLacks` has something to say. */
export const installPacker = `\`apt-get install packer\` on Debian 12 gives ${versions.packer}; docs/images.md has other ways`;

/** Why this host cannot make images with Packer, in half a sentence; undefined where it can. */
export async function packerLacks(): Promise<string | undefined> {
  const asked = await execa("packer", ["version"], {
    env: { CHECKPOINT_DISABLE: "1" }, // or it asks its makers for newer ones
    reject: false,
    stdin: "ignore",
  });
  // Other programs have the name, too.
  const version = /^Packer v(\S+)/m.exec(asked.stdout)?.[1];
  if (version === versions.packer) return undefined;
  return version === undefined ? "there is none" : `version ${version} is not ${versions.packer}`;
}
