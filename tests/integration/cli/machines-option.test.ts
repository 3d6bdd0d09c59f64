import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Checkout } from "../../support/checkout.ts";

describe("--machines", () => {
  let checkout: Checkout;

  beforeAll(async () => {
    checkout = await Checkout.copy();
  });
  afterAll(() => checkout.remove());

  /** Previews the dev stack; returns the types of its machines' resources, and what was printed. */
  async function preview(...options: readonly string[]) {
    const { exitCode, all } = await checkout.run("bin/ai-how", "preview", "dev", ...options);
    const kinds = [...all.matchAll(/^\+ +(Container|Domain) dev-/gm)].map(([, kind]) => kind);
    return { exitCode, all, kinds: [...new Set(kinds)] };
  }

  const kept = async (): Promise<unknown> => {
    const file = await readFile(join(checkout.root, "Pulumi.dev.yaml"), "utf8");
    return (parse(file) as { config: Record<string, unknown> }).config["ai-how:machines"];
  };
  const line = (kind: string): string => `Pulumi.dev.yaml: ai-how:machines is now ${kind}`;

  it("chooses the kind of nodes, and the next run keeps the choice", async () => {
    const first = await preview("--machines", "container");
    expect(first).toMatchObject({ exitCode: 0, kinds: ["Container"] });
    expect(first.all).toContain(line("container"));
    expect(await kept()).toBe("container");

    const next = await preview();
    expect(next).toMatchObject({ exitCode: 0, kinds: ["Container"] });
    expect(next.all).not.toContain("is now");

    const back = await preview("--machines", "vm");
    expect(back).toMatchObject({ exitCode: 0, kinds: ["Domain"] });
    expect(back.all).toContain(line("vm"));
    expect(await kept()).toBe("vm");
  });

  it("refuses another kind, and changes nothing", async () => {
    const before = await kept();
    const refused = await preview("--machines", "pod");
    expect(refused.exitCode).toBe(2);
    expect(refused.all).toContain("Allowed choices are vm, container");
    expect(await kept()).toBe(before);
  });
});
