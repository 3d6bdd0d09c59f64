import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../config/errors.ts";

/** Follows the name of a file or stack in a message. */
export const WRONG_PASSPHRASE =
  "the passphrase does not open this state; set PULUMI_CONFIG_PASSPHRASE to the one it was made with";

/** The file with the passphrase that ai-how made for a project; only its owner can read it. */
export function passphraseFile(root: string): string {
  return join(root, ".ai-how", "passphrase");
}

/**
 * The passphrase of the project's state: from `PULUMI_CONFIG_PASSPHRASE`, from the file `PULUMI_CONFIG_PASSPHRASE_FILE`, or
 * a random one, which the first command makes.
 */
export async function passphrase(root: string): Promise<string> {
  const given = process.env.PULUMI_CONFIG_PASSPHRASE;
  if (given !== undefined) return given;
  const elsewhere = process.env.PULUMI_CONFIG_PASSPHRASE_FILE;
  if (elsewhere !== undefined) return (await readFile(elsewhere, "utf8")).trimEnd();
  const file = passphraseFile(root);
  const kept = await readOwn(file);
  if (kept !== undefined) return kept.trimEnd();
  const made = randomBytes(24).toString("base64url");
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${made}\n`, { mode: 0o600, flag: "wx" });
  return made;
}

/** Reads a file that only its owner can read; undefined if it does not exist. */
export async function readOwn(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code !== "EACCES") throw error;
    throw new UserError(`${file}: made by another user, probably root; run this with sudo`);
  }
}
