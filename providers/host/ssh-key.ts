import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { type InputsOf, resourceType } from "../framework/resource.ts";

export const sshKeySchemas = {
  /** The comment at the end of the public key. */
  comment: z.string().regex(/^[^\n]*$/, "must be one line"),
};

/** A key pair in OpenSSH's own formats. */
export interface SshKeyOutputs {
  /** One line for `authorized_keys`. */
  publicKey: string;
  /** The private key in OpenSSH's format; secret. */
  privateKey: string;
}

type SshKeyInputs = InputsOf<typeof sshKeySchemas>;

/** `host:index:SshKey`: an ed25519 key pair, kept in the stack's state only. */
export const sshKey = resourceType<unknown, SshKeyInputs, SshKeyInputs & SshKeyOutputs>({
  token: "host:index:SshKey",
  inputs: sshKeySchemas,
  changes: { comment: "replace" },
  deleteBeforeReplace: false,
  secrets: ["privateKey"],
  identify,
  async create(inputs) {
    const pair = await generateSshKey(inputs.comment);
    return { id: identify(inputs), inputs, state: { ...inputs, ...pair } };
  },
  // A key pair exists only in the state, so it cannot drift.
  read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
  update: (id, was, inputs) => Promise.resolve({ id, inputs, state: { ...was.state, ...inputs } }),
  delete: () => Promise.resolve(),
});

function identify({ comment }: SshKeyInputs): string {
  return comment === "" ? "ssh-key" : comment;
}

/** A new ed25519 key pair. */
export async function generateSshKey(comment: string): Promise<{ publicKey: string; privateKey: string }> {
  const directory = await mkdtemp(join(tmpdir(), "ai-how-ssh-key-"));
  try {
    await chmod(directory, 0o700);
    const file = join(directory, "key");
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file]);
    const [publicKey, privateKey] = await Promise.all([
      readFile(`${file}.pub`, "utf8"),
      readFile(file, "utf8"),
    ]);
    return { publicKey: publicKey.trim(), privateKey };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
