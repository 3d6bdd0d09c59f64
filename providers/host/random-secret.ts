import { randomBytes } from "node:crypto";
import { z } from "zod";
import { resourceType } from "../framework/resource.ts";

interface RandomSecretInputs {
  /** How many random bytes. */
  bytes: number;
}

interface RandomSecretState extends RandomSecretInputs {
  /** The bytes in base64; secret. */
  value: string;
}

/** `host:index:RandomSecret`: bytes that are drawn once and kept, encrypted, in the stack's state: a munge key, a password. */
export const randomSecret = resourceType<unknown, RandomSecretInputs, RandomSecretState>({
  token: "host:index:RandomSecret",
  inputs: { bytes: z.int().min(16).max(1024) },
  changes: {},
  deleteBeforeReplace: false,
  secrets: ["value"],
  identify: () => "random",
  create: (inputs) =>
    Promise.resolve({
      id: "random",
      inputs,
      state: { ...inputs, value: randomBytes(inputs.bytes).toString("base64") },
    }),
  // It lives in the state alone: there is nothing to look at and nothing to remove.
  read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
  update: (id, was) => Promise.resolve({ id, ...was }),
  delete: () => Promise.resolve(),
});
