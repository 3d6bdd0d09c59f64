import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StackResource } from "../../../engine/engine.ts";
import { resourceViolations, stackViolations } from "../../../engine/policies.ts";
import { plan, STACKS } from "../../support/plan.ts";
import { PolicyPack } from "../../support/policy-pack.ts";

let pack: PolicyPack;
beforeAll(async () => {
  pack = await PolicyPack.start();
});
afterAll(() => pack.end());

/** What Pulumi's CLI would say of all of them. */
async function foundByPack(resources: readonly StackResource[]): Promise<string[]> {
  return (await Promise.all(resources.map((resource) => pack.analyze(resource)))).flat();
}

describe.each(STACKS)("the policies and %s on %s nodes", (target, machines) => {
  let resources: readonly StackResource[];
  beforeAll(async () => {
    resources = await plan(target, machines);
  });

  it("agree, by ai-how and by the pack that Pulumi's CLI runs", async () => {
    expect([...resourceViolations(resources), ...stackViolations(resources)]).toEqual([]);
    expect(await foundByPack(resources)).toEqual([]);
  });

  it("disagree as soon as something is wrong, and both say the same", async () => {
    const wrong = resources.map((resource): StackResource => {
      if (resource.type === "pulumi:pulumi:Stack")
        return { ...resource, outputs: { ...resource.outputs, adminPassword: "hunter2" } };
      if (resource.type !== "libvirt:index:Network") return resource;
      return { ...resource, inputs: { ...resource.inputs, name: "default" } };
    });
    const found = resourceViolations(wrong).map(({ rule, message }) => `${rule}: ${message}`);
    expect(found).toHaveLength(resources.filter(({ type }) => type === "libvirt:index:Network").length);
    expect((await foundByPack(wrong)).sort()).toEqual(found.sort());
    expect(stackViolations(wrong).map(({ rule }) => rule)).toEqual(["no-plain-secret"]);
  });
});
