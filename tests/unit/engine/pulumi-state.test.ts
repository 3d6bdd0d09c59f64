import { expect, test } from "vitest";
import { outputsOf, type Engine } from "../../../engine/engine.ts";
import { resourcesOf } from "../../../engine/pulumi/state.ts";

// As `pulumi stack export --show-secrets` of Pulumi 3.265 prints a secret.
const secret = (value: unknown): object => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});
const exported = (...resources: object[]): unknown => ({
  version: 3,
  deployment: { manifest: {}, resources },
});
const stack = { urn: "urn:pulumi:dev::ai-how::pulumi:pulumi:Stack::ai-how-dev", type: "pulumi:pulumi:Stack" };
const outputs = (state: unknown) =>
  outputsOf({ resources: () => Promise.resolve(resourcesOf(state)) } as unknown as Engine);

test("outputs are the stack's, with secrets opened wherever they are, and marked where there is one", async () => {
  const other = { urn: "urn:other", type: "ai-how:machines:VirtualMachine", outputs: { site: "not this" } };
  const values = {
    site: "lab",
    key: secret("text"),
    inside: { user: "admin", keys: [secret({ nested: secret(1) })] },
    none: null,
  };
  expect(await outputs(exported(other, { ...stack, outputs: values }))).toEqual({
    site: { value: "lab", secret: false },
    key: { value: "text", secret: true },
    inside: { value: { user: "admin", keys: [{ nested: 1 }] }, secret: true },
    none: { value: null, secret: false },
  });
});

test("a stack that was made, and on which nothing ran, has neither resources nor outputs", async () => {
  expect(resourcesOf({ version: 3, deployment: { manifest: {} } })).toEqual([]);
  expect(await outputs(exported())).toEqual({});
  expect(await outputs(exported(stack))).toEqual({});
});
