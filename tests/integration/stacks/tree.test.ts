import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ResourcePlan } from "../../../engine/engine.ts";
import { nameOf } from "../../../wire/urn.ts";
import { plan, STACKS } from "../../support/plan.ts";

const portSchema = z.looseObject({ ip: z.string() });

describe.each(STACKS)("the resources of %s on %s nodes", (target, machines) => {
  let resources: readonly ResourcePlan[];
  let byUrn: Map<string, ResourcePlan>;
  let stack: ResourcePlan;

  beforeAll(async () => {
    resources = await plan(target, machines);
    byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
    const found = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
    if (found === undefined) throw new Error("no stack resource");
    stack = found;
  });

  it("are components right below the stack, and everything else below a component", () => {
    for (const { urn, component, parent, type } of resources) {
      if (urn === stack.urn) continue;
      const above = byUrn.get(parent ?? "");
      expect(above, urn).toBeDefined();
      if (!component) expect(above?.urn, urn).not.toBe(stack.urn);
      else expect(type, urn).toMatch(/^ai-how:[a-z]+:[A-Z][A-Za-z]+$/);
    }
  });

  it("have names that begin with their component's", () => {
    for (const { urn, parent } of resources) {
      if (parent === undefined || parent === stack.urn) continue;
      expect(nameOf(urn).startsWith(`${nameOf(parent)}-`), `${nameOf(urn)} below ${nameOf(parent)}`).toBe(
        true,
      );
    }
  });

  it("have outputs on every component", () => {
    for (const { urn, component, outputs } of resources) {
      if (component) expect(Object.keys(outputs), urn).not.toEqual([]);
    }
  });

  it("of libvirt all use their own provider, and go with the sandbox where there is one", () => {
    const inside = resources.filter(({ type }) => type.startsWith("libvirt:"));
    expect(inside.length).toBeGreaterThan(0);
    for (const { urn, provider, deletedWith } of inside) {
      expect(provider, urn).toMatch(/pulumi:providers:libvirt::/);
      if (target === "dev") expect(deletedWith, urn).toMatch(/host:index:Sandbox::/);
      else expect(deletedWith, urn).toBeUndefined();
    }
  });

  it("are checked by their providers, but for Docker's, which only Pulumi's engine runs", () => {
    for (const { urn, type, checked } of resources)
      expect(checked, urn).toBe(!/^(pulumi:providers:)?docker\b/.test(type));
  });

  it("of Docker are the workstation's alone, use their own provider, and let in nobody but this host", () => {
    const docker = resources.filter(({ type }) => type.startsWith("docker:"));
    expect(docker.length > 0).toBe(target === "workstation");
    for (const { urn, provider, inputs, type, protect } of docker) {
      expect(provider, urn).toMatch(/pulumi:providers:docker::/);
      for (const port of z.array(portSchema).parse(inputs.ports ?? []))
        expect(port.ip, urn).toBe("127.0.0.1");
      if (type === "docker:index/volume:Volume")
        expect(protect === true || "driverOpts" in inputs, urn).toBe(true);
    }
  });
});
