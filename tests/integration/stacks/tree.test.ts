import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ResourceState } from "../../../engine/in-process/state.ts";
import { nameOf } from "../../../engine/in-process/urn.ts";
import { hasSecret, hasUnknown, isSecret } from "../../../engine/in-process/values.ts";
import { ADMIN_KEY_OUTPUT } from "../../../stacks/outputs.ts";
import { plan, STACKS } from "../../support/plan.ts";

const portSchema = z.looseObject({ ip: z.string() });

describe.each(STACKS)("the resources of %s on %s nodes", (target, machines) => {
  let resources: readonly ResourceState[];
  let byUrn: Map<string, ResourceState>;
  let stack: ResourceState;

  beforeAll(async () => {
    resources = await plan(target, machines);
    byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
    const found = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
    if (found === undefined) throw new Error("no stack resource");
    stack = found;
  });

  it("are components right below the stack, and everything else below a component", () => {
    for (const { urn, custom, parent, type } of resources) {
      if (urn === stack.urn) continue;
      const above = byUrn.get(parent ?? "");
      expect(above, urn).toBeDefined();
      if (custom) expect(above?.urn, urn).not.toBe(stack.urn);
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
    for (const { urn, custom, outputs } of resources) {
      if (!custom) expect(Object.keys(outputs), urn).not.toEqual([]);
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

  it("keep what is secret out of plain outputs", () => {
    const open = Object.entries(stack.outputs).filter(([, value]) => !hasSecret(value));
    expect(open.map(([key]) => key)).toContain("slurm");
    const adminKey = stack.outputs[ADMIN_KEY_OUTPUT];
    expect(isSecret(adminKey) || hasUnknown(adminKey)).toBe(true);
    for (const { urn, type, inputs, outputs } of resources) {
      for (const values of [inputs, outputs]) {
        for (const [key, value] of Object.entries(values)) {
          const named = /private|password|secret|munge|hostKey$|userData/i.test(key);
          if (named) expect(isSecret(value) || hasUnknown(value), `${type} ${urn} ${key}`).toBe(true);
          expect(JSON.stringify(value), `${urn} ${key}`).not.toContain("PRIVATE KEY");
        }
      }
    }
  });

  it("reach machines with everything secret marked", () => {
    const waits = resources.filter(({ type }) => type === "host:index:SshReady");
    expect(waits).toHaveLength(target === "dev" ? 3 : 5);
    for (const { urn, inputs } of waits)
      expect(isSecret(inputs.ssh) || hasUnknown(inputs.ssh), urn).toBe(true);
  });

  it("run Ansible with everything secret marked", () => {
    const runs = resources.filter(
      ({ urn, type }) => type === "command:local:Command" && !urn.endsWith("-devices-binding"),
    );
    expect(runs.length).toBeGreaterThanOrEqual(2);
    for (const { urn, inputs } of runs) {
      expect(hasSecret(inputs.environment) || hasUnknown(inputs.environment), urn).toBe(true);
    }
  });
});
