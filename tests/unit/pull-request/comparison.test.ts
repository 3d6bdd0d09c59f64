import { describe, expect, it } from "vitest";
import { PLAN_VERSION, type Plan, type PlannedResource } from "../../../engine/plan.ts";
import { compare, differences, type StackComparison } from "../../../tools/pull-request/comparison.ts";
import type { Outcome } from "../../../tools/pull-request/stack-plans.ts";

const DOMAIN = "libvirt:index:Domain";

function resource(
  name: string,
  inputs: PlannedResource["inputs"],
  more: Partial<PlannedResource> = {},
): PlannedResource {
  const urn = `urn:pulumi:dev::ai-how::${DOMAIN}::${name}`;
  return {
    urn,
    type: DOMAIN,
    name,
    dependencies: [],
    component: false,
    operation: "create" as const,
    checked: true,
    protect: false,
    inputs,
    ...more,
  };
}

function plan(resources: readonly PlannedResource[], more: Partial<Plan> = {}): Outcome {
  const rest = { outputs: {}, violations: [], warnings: [], failures: [], ...more };
  return {
    kind: "plan",
    plan: { version: PLAN_VERSION, stack: "dev", engine: "in-process", resources: [...resources], ...rest },
  };
}

// As libvirt has it: another machine type makes another machine.
const replacedBy = (_type: string, was: PlannedResource["inputs"], is: PlannedResource["inputs"]) =>
  Promise.resolve(was.machine === is.machine ? [] : ["machine"]);

const compared = (base: Outcome, head: Outcome): Promise<StackComparison> =>
  compare("dev", base, head, replacedBy);

describe("compare", () => {
  it("tells what is added, changed, replaced and removed, and what is not", async () => {
    const base = plan([
      resource("same", { memory: 1 }),
      resource("grows", { memory: 1 }),
      resource("other", { machine: "pc" }),
      resource("gone", { memory: 1 }),
    ]);
    const head = plan([
      resource("same", { memory: 1 }),
      resource("grows", { memory: 2 }),
      resource("other", { machine: "q35" }),
      resource("new", { memory: 1 }),
    ]);
    const domain = { type: DOMAIN, checked: true };
    expect(await compared(base, head)).toEqual({
      stack: "dev",
      kind: "compared",
      changes: [
        { ...domain, kind: "changed", name: "grows", differences: [{ path: "memory", was: 1, is: 2 }] },
        {
          ...domain,
          kind: "replaced",
          name: "other",
          differences: [{ path: "machine", was: "pc", is: "q35" }],
        },
        { ...domain, kind: "added", name: "new", differences: [{ path: "memory", is: 1 }] },
        { ...domain, kind: "removed", name: "gone", differences: [] },
      ],
      outputs: [],
      violations: [],
    });
  });

  it("looks at protection and at outputs, and not at components", async () => {
    const base = plan([resource("data", {}, { protect: true })], { outputs: { nodes: ["a"] } });
    const head = plan([resource("data", {}), resource("group", {}, { component: true })], {
      outputs: { nodes: ["a", "b"] },
    });
    expect(await compared(base, head)).toMatchObject({
      changes: [{ kind: "changed", name: "data", differences: [{ path: "protect", was: true, is: false }] }],
      outputs: [{ path: "nodes[1]", is: "b" }],
    });
  });

  it.each<[string, Outcome, string[]]>([
    ["a base branch without the stack", { kind: "absent" }, ["the base branch has no such stack"]],
    ["one that announced it", { kind: "not-yet" }, ["the base branch does not build this stack yet"]],
    [
      "one that is too old",
      { kind: "failed", lines: ["error: unknown option '--format'"] },
      ["the base branch cannot be previewed:", "error: unknown option '--format'"],
    ],
  ])("shows the whole stack beside %s", async (_, base, alone) => {
    expect(await compared(base, plan([resource("new", { memory: 1 })]))).toMatchObject({
      kind: "compared",
      alone,
      changes: [{ kind: "added", name: "new" }],
    });
  });

  it("tells a stack that is not there yet from one that fails, and from one that is removed", async () => {
    const base = plan([]);
    expect(await compared(base, { kind: "not-yet" })).toEqual({ stack: "dev", kind: "not-yet" });
    expect(await compared(base, { kind: "absent" })).toEqual({ stack: "dev", kind: "removed" });
    expect(await compared(base, { kind: "failed", lines: ["no"] })).toMatchObject({
      kind: "failed",
      lines: ["no"],
    });
  });
});

describe("differences", () => {
  it("are found wherever they lie", () => {
    const was = { a: { b: [{ c: 1 }, { c: 2 }] }, gone: true };
    expect(differences(was, { a: { b: [{ c: 1 }, { c: 3 }] }, added: null })).toEqual([
      { path: "a.b[1].c", was: 2, is: 3 },
      { path: "gone", was: true },
      { path: "added", is: null },
    ]);
  });

  it("of a list with one more in the middle are that one", () => {
    expect(differences(["a", "b", "c"], ["a", "x", "b", "c"])).toEqual([{ path: "[1]", is: "x" }]);
    expect(differences(["a", "b", "c"], ["a", "c"])).toEqual([{ path: "[1]", was: "b" }]);
    expect(differences(["a", "a"], ["a"])).toEqual([{ path: "[1]", was: "a" }]);
  });

  it("do not see the order of keys", () => {
    expect(differences({ list: [{ a: 1, b: 2 }] }, { list: [{ b: 2, a: 1 }] })).toEqual([]);
  });
});
