import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { resourceClass } from "../../../providers/framework/resource-class.ts";
import { host } from "../../../providers/host/provider.ts";
import * as hostResources from "../../../providers/host/resources.ts";
import { libvirt } from "../../../providers/libvirt/provider.ts";
import * as libvirtResources from "../../../providers/libvirt/resources.ts";
import { repository } from "../../support/project.ts";

beforeAll(async () => {
  await pulumi.runtime.setMocks({ call: () => ({}), newResource: () => ({ id: "id", state: {} }) });
});

type AnyClass = new (
  name: string,
  args: Readonly<Record<string, unknown>>,
  opts?: pulumi.CustomResourceOptions,
) => pulumi.CustomResource;

/** What a class registers: its token, the properties that have a value, and the outputs that it calls secret. */
function registration(Class: AnyClass, args: Readonly<Record<string, unknown>>) {
  let found: pulumi.ResourceTransformationArgs | undefined;
  const transformations: pulumi.ResourceTransformation[] = [(seen) => void (found = seen)];
  new Class("one", args, { transformations });
  const { type, props, opts } = found ?? { type: "", props: {}, opts: {} };
  const given = Object.entries(props as object).filter(([, value]) => value !== undefined);
  const secrets = (opts as pulumi.CustomResourceOptions).additionalSecretOutputs ?? [];
  return { type, props: Object.fromEntries(given) as Record<string, unknown>, secrets };
}

const classes = { host: hostResources, libvirt: libvirtResources } as unknown as Readonly<
  Record<string, Readonly<Record<string, AnyClass>>>
>;

test.each([...host.resources, ...libvirt.resources])("a program's $token is the provider's", (definition) => {
  const [provider = "", , name = ""] = definition.token.split(":");
  const Class = classes[provider]?.[name];
  if (Class === undefined) throw new Error(`there is no class ${name}`);
  const args = Object.fromEntries(Object.keys(definition.inputs).map((key) => [key, "given"]));
  const { type, props, secrets } = registration(Class, args);
  expect(type).toBe(definition.token);
  expect(secrets.toSorted()).toEqual((definition.secrets ?? []).toSorted());
  // What the engine gets is what the program gave: outputs are declared, not sent.
  expect(Object.keys(props).toSorted()).toEqual(Object.keys(args).toSorted());
});

test("a program that registers resources loads no provider, and no zod", async () => {
  const files = ["host", "libvirt"].map((name) => join(repository, "providers", name, "resources.ts"));
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    for (const file of ${JSON.stringify(files)}) await import(file);
    console.log(JSON.stringify(loaded));`;
  const { stdout } = await execa("node", ["--input-type=module", "--eval", script]);
  const loaded = z.array(z.string()).parse(JSON.parse(stdout));
  const ours = loaded.filter((url) => !url.includes("/node_modules/") && url.startsWith("file:"));
  expect(ours.map((url) => relative(repository, fileURLToPath(url))).toSorted()).toEqual([
    "providers/framework/resource-class.ts",
    "providers/host/resources.ts",
    "providers/libvirt/resources.ts",
  ]);
  expect(loaded.filter((url) => url.includes("/node_modules/zod/"))).toEqual([]);
});

const _schemas = {
  size: z.int(),
  colour: z.string().default("red"),
  parts: z.array(z.strictObject({ weight: z.number() })).default([]),
};
type Schemas = typeof _schemas;
interface Outputs {
  path: string;
  key: string;
}
const Thing = resourceClass<Schemas, Outputs>("test:index:Thing", { path: "plain", key: "secret" }, [
  "colour",
]);

test("a secret input is encrypted, and every output is a property before the engine answers", async () => {
  const args = { size: 3, colour: "blue" };
  const { props, secrets } = registration(Thing as unknown as AnyClass, args);
  expect(secrets).toEqual(["key", "colour"]);
  expect(await pulumi.isSecret(pulumi.output(props.colour))).toBe(true);
  expect(props.size).toBe(3);
  const thing = new Thing("thing", args);
  for (const value of [thing.size, thing.path, thing.key]) expect(pulumi.Output.isInstance(value)).toBe(true);
  // @ts-expect-error: an input with a default is readable only where the outputs name it
  expect(pulumi.Output.isInstance(thing.parts)).toBe(false);
});

test("the types know each argument and each output", () => {
  // @ts-expect-error: an output of the provider is missing
  resourceClass<Schemas, Outputs>("test:index:Thing", { path: "plain" });
  // @ts-expect-error: the provider has no such output
  resourceClass<Schemas, Outputs>("test:index:Thing", { path: "plain", key: "secret", place: "plain" });
  // @ts-expect-error: an input without default is missing
  const missing = (): unknown => new Thing("thing", { colour: "blue" });
  // @ts-expect-error: the schema says number
  const wrong = (): unknown => new Thing("thing", { size: "3" });
  // @ts-expect-error: the schema of an element has no such property
  const unknown = (): unknown => new Thing("thing", { size: 3, parts: [{ weight: 2, width: 3 }] });
  expect([missing, wrong, unknown]).toHaveLength(3);
});
