import { afterAll, beforeAll, expect, test } from "vitest";
import type { ResourceState } from "../../../engine/in-process/state.ts";
import { secret, UNKNOWN, type Values } from "../../../engine/in-process/values.ts";
import { resourceRules, stackRules } from "../../../policy/rules.ts";
import { PolicyPack } from "../../support/policy-pack.ts";
import { PRIVATE_KEY } from "./resources.ts";

let pack: PolicyPack;
beforeAll(async () => {
  pack = await PolicyPack.start();
});
afterAll(() => pack.end());

function state(type: string, values: Values, protect = false): ResourceState {
  const urn = `urn:pulumi:dev::ai-how::${type}::thing`;
  return {
    ...{ urn, type, custom: true, inputs: values, outputs: values, dependencies: [] },
    ...{ propertyDependencies: {}, protect },
  };
}

test("every rule is a mandatory policy", async () => {
  const names = [...resourceRules, ...stackRules].map(({ name }) => name);
  expect((await pack.mandatory()).sort()).toEqual(names.sort());
});

test("what the engine marks as secret is still marked when a rule sees it", async () => {
  const key = (value: Values[string]): ResourceState => state("host:index:SshKey", { privateKey: value });
  expect(
    await pack.analyzeStack([key(secret(PRIVATE_KEY)), state("a:b:C", { list: [secret("x")] })]),
  ).toEqual([]);
  expect(await pack.analyzeStack([key(PRIVATE_KEY)])).toEqual([
    expect.stringContaining(
      "no-plain-secret: privateKey is a secret by its name, but is not marked as secret",
    ),
  ]);
});

test("a rule runs on a resource of which not all is known, and finds what is known", async () => {
  const domain = state("libvirt:index:Domain", {
    type: UNKNOWN,
    interfaces: [{ network: UNKNOWN }, { network: "default" }],
    disks: UNKNOWN,
  });
  expect(await pack.analyze(domain)).toEqual([
    expect.stringContaining("no-default-network: interfaces[1].network: `default` is shared"),
  ]);
  expect(await pack.analyze(state("libvirt:index:CloudInitDisk", { userData: secret(UNKNOWN) }))).toEqual([]);
});

test("a rule sees inside a secret", async () => {
  const disk = state("libvirt:index:CloudInitDisk", {
    userData: secret("#cloud-config\nssh_pwauth: true\n"),
  });
  expect(await pack.analyze(disk)).toEqual([
    expect.stringContaining("no-password-login: userData: `ssh_pwauth`"),
  ]);
});

test("a rule sees whether a resource is protected", async () => {
  const volume = { pool: "lab", name: "data.qcow2", capacity: 1e12 };
  expect(await pack.analyze(state("libvirt:index:Volume", volume, true))).toEqual([]);
  expect(await pack.analyze(state("libvirt:index:Volume", volume))).toEqual([
    expect.stringContaining("protected-data: it is created empty"),
  ]);
});
