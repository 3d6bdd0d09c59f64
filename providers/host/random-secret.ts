import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type InputsOf, resourceType } from "../framework/resource.ts";

export const randomSecretSchemas = {
  /** Number of random bytes, 16 to 1024. */
  bytes: z.int().min(16).max(1024),
};

export interface RandomSecretOutputs {
  /** The bytes in base64; secret. */
  value: string;
}

type RandomSecretInputs = InputsOf<typeof randomSecretSchemas>;

/** `host:index:RandomSecret`: random bytes, drawn once and kept encrypted in the stack's state: a munge key, a password. */
export const randomSecret = resourceType<
  unknown,
  RandomSecretInputs,
  RandomSecretInputs & RandomSecretOutputs
>({
  token: "host:index:RandomSecret",
  inputs: randomSecretSchemas,
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
  // It exists only in the state: there is nothing to read or delete.
  read: (id, last) => Promise.resolve(last === undefined ? undefined : { id, ...last }),
  update: (id, was) => Promise.resolve({ id, ...was }),
  delete: () => Promise.resolve(),
});
