import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { violationsOf } from "../../../engine/in-process/policies.ts";
import type { ResourceState } from "../../../engine/in-process/state.ts";
import { plan, STACKS } from "../../support/plan.ts";
import { PolicyPack } from "../../support/policy-pack.ts";

let pack: PolicyPack;
beforeAll(async () => {
  pack = await PolicyPack.start();
});
afterAll(() => pack.end());

/** What Pulumi's CLI would say of all of them. */
async function foundByPack(resources: readonly ResourceState[]): Promise<string[]> {
  const single = await Promise.all(resources.map((resource) => pack.analyze(resource)));
  return [...single.flat(), ...(await pack.analyzeStack(resources))];
}

describe.each(STACKS)("the policies and %s on %s nodes", (target, machines) => {
  let resources: readonly ResourceState[];
  beforeAll(async () => {
    resources = await plan(target, machines);
  });

  it("agree, in-process and in the pack that Pulumi's CLI runs", async () => {
    expect(violationsOf(resources)).toEqual([]);
    expect(await foundByPack(resources)).toEqual([]);
  });

  it("disagree as soon as something is wrong, and both say the same", async () => {
    const wrong = resources.map((resource): ResourceState => {
      if (resource.type === "pulumi:pulumi:Stack")
        return { ...resource, outputs: { ...resource.outputs, adminPassword: "hunter2" } };
      if (resource.type !== "libvirt:index:Network") return resource;
      return { ...resource, inputs: { ...resource.inputs, name: "default" } };
    });
    const found = violationsOf(wrong).map(({ rule, message }) => `${rule}: ${message}`);
    const networks = resources.filter(({ type }) => type === "libvirt:index:Network").length;
    expect(found).toHaveLength(networks + 1);
    expect((await foundByPack(wrong)).sort()).toEqual(found.sort());
  });
});
