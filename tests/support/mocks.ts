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

/** Has programs make nothing but entries of this list, which each test begins empty; call it at a test file's top. */
export function mockedResources(): { readonly made: Made[]; readonly one: (name: string) => Made } {
  const made: Made[] = [];
  beforeAll(async () => {
    await pulumi.runtime.setMocks({
      call: () => ({}),
      newResource: ({ name, type, inputs }: Made) => {
        made.push({ name, type, inputs });
        return { id: `${name}-id`, state: { status: {}, ...inputs, value: PASSWORD } };
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
