import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../config/errors.ts";

/** What a user is told, after what it was, whose passphrase is another one. */
export const WRONG_PASSPHRASE =
  "the passphrase does not open this state; set PULUMI_CONFIG_PASSPHRASE to the one it was made with";

/** Where the passphrase lies that ai-how made for a project whose user gave none; readable by its owner only. */
export function passphraseFile(root: string): string {
  return join(root, ".ai-how", "passphrase");
}

/**
 * The passphrase of the project's state: `PULUMI_CONFIG_PASSPHRASE`, the file `PULUMI_CONFIG_PASSPHRASE_FILE`, or one
 * that is made at the first use, so that one command is enough to begin.
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

/** A file that only its owner may read; undefined where there is none. */
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
