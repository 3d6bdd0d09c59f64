import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ResourcePlan } from "../../../engine/engine.ts";
import { plan, STACKS } from "../../support/plan.ts";
import { faultsOfTree } from "../../support/tree.ts";

const portSchema = z.looseObject({ ip: z.string() });

describe.each(STACKS)("the resources of %s on %s nodes", (target, machines) => {
  let resources: readonly ResourcePlan[];

  beforeAll(async () => {
    resources = await plan(target, machines);
  });

  it("are components right below the stack, and everything else below a component, with its name and outputs", () => {
    expect(faultsOfTree(resources)).toEqual([]);
  });

  it("of libvirt go with the sandbox where there is one", () => {
    const inside = resources.filter(({ type }) => type.startsWith("libvirt:"));
    expect(inside.length).toBeGreaterThan(0);
    for (const { urn, deletedWith } of inside) {
      if (target === "dev") expect(deletedWith, urn).toMatch(/host:index:Sandbox::/);
      else expect(deletedWith, urn).toBeUndefined();
    }
  });

  it("are checked by their providers, but for Docker's, which only Pulumi's engine runs", () => {
    for (const { urn, type, checked } of resources)
      expect(checked, urn).toBe(!/^(pulumi:providers:)?docker\b/.test(type));
  });

  it("of Docker are the workstation's alone, and let in nobody but this host", () => {
    const docker = resources.filter(({ type }) => type.startsWith("docker:"));
    expect(docker.length > 0).toBe(target === "workstation");
    for (const { urn, inputs, type, protect } of docker) {
      for (const port of z.array(portSchema).parse(inputs.ports ?? []))
        expect(port.ip, urn).toBe("127.0.0.1");
      if (type === "docker:index/volume:Volume") expect(protect || "driverOpts" in inputs, urn).toBe(true);
    }
  });
});
