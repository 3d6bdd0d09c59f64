import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach } from "vitest";

/** A resource that a program asked for. */
export interface Made {
  readonly name: string;
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What every secret of a mocked program is. */
export const PASSWORD = "the-password-itself";

// What a key pair has besides its inputs.
const KEY = { publicKey: "ssh-ed25519 AAAA mocked", privateKey: PASSWORD };

/** Has programs make nothing but entries of this list, which each test begins empty; call it at a test file's top. */
export function mockedResources(): { readonly made: Made[]; readonly one: (name: string) => Made } {
  const made: Made[] = [];
  beforeAll(async () => {
    await pulumi.runtime.setMocks({
      call: () => ({}),
      newResource: ({ name, type, inputs }: Made) => {
        made.push({ name, type, inputs });
        return { id: `${name}-id`, state: { status: {}, ...KEY, ...inputs, value: PASSWORD } };
      },
    });
  });
  beforeEach(() => void made.splice(0));
  return {
    made,
    one(name) {
      const found = made.find((each) => each.name === name);
      if (found === undefined)
        throw new Error(`no ${name} among ${made.map((each) => each.name).join(", ")}`);
      return found;
    },
  };
}
