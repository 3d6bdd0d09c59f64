import { afterAll, beforeAll, expect, test } from "vitest";
import type { StackResource } from "../../../engine/engine.ts";
import { resourceRules } from "../../../policy/rules.ts";
import { secret, UNKNOWN, type Values } from "../../../wire/values.ts";
import { PolicyPack } from "../../support/policy-pack.ts";

let pack: PolicyPack;
beforeAll(async () => {
  pack = await PolicyPack.start();
});
afterAll(() => pack.end());

function state(type: string, values: Values, protect = false): StackResource {
  const urn = `urn:pulumi:dev::ai-how::${type}::thing`;
  return { urn, type, component: false, inputs: values, outputs: values, dependencies: [], protect };
}

test("every rule that needs to know no secrets is a mandatory policy", async () => {
  expect((await pack.mandatory()).sort()).toEqual(resourceRules.map(({ name }) => name).sort());
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
