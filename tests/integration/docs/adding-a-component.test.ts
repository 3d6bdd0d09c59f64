import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkout } from "../../support/checkout.ts";
import { Page } from "../../support/page.ts";

const page = await Page.read("docs/adding-a-component.md");

describe("the page on components, followed to the letter", () => {
  let checkout: Checkout;

  beforeAll(async () => {
    checkout = await Checkout.copy();
    await page.apply(checkout.root);
  });
  afterAll(() => checkout.remove());

  it("has types that hold, and the form that lint wants", async () => {
    const files = ["components/hpc/maintenance-window.ts", "stacks/hpc.ts"];
    expect(await checkout.run("tsc", "--noEmit")).toMatchObject({ exitCode: 0, all: "" });
    expect(await checkout.run("prettier", "--check", ...files)).toMatchObject({ exitCode: 0 });
    expect(await checkout.run("eslint", ...files)).toMatchObject({ exitCode: 0, all: "" });
  });

  it("shows the component in the preview that the page prints", async () => {
    const preview = await checkout.run("bin/ai-how", "preview", "dev");
    expect(preview).toMatchObject({ exitCode: 0 });
    const printed = page.console.filter((line) => /\bdev-new-year/.test(line));
    expect(printed).toHaveLength(2);
    for (const line of printed) expect(preview.all).toContain(line);
    expect((await checkout.run("bin/ai-how", "graph", "dev")).all).toContain("dev-new-year");
  });

  it("keeps to what the tests of the page's last section hold a component to", async () => {
    const [, command = ""] = /Run both with `([^`]+)`/.exec(page.text) ?? [];
    const tests = await checkout.run("bash", "-c", command);
    expect(tests.exitCode, tests.all).toBe(0);
  });
});
