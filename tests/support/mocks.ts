import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, beforeEach } from "vitest";

/** A resource that a program created. */
export interface Made {
  readonly name: string;
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Value of every secret in a mocked program. */
export const PASSWORD = "the-password-itself";

// Outputs of a key pair.
const KEY = { publicKey: "ssh-ed25519 AAAA mocked", privateKey: PASSWORD };

/**
 * Replaces Pulumi's engine by a mock that adds each resource to a list, for the tests of one file. Every test begins with an empty
 * list. Unit tests share their modules, so that after the file any resource is an error until another file sets its own mock.
 */
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
  afterAll(async () => {
    const refuse = (): never => {
      throw new Error("this test file sets no mock: call mockedResources()");
    };
    await pulumi.runtime.setMocks({ call: refuse, newResource: refuse });
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
