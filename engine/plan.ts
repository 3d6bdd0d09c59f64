import { z } from "zod";
import { nameOf, STACK_TYPE } from "../wire/urn.ts";
import type { StackPlan } from "./engine.ts";
import { OPERATIONS } from "./events.ts";
import { visible } from "./visible.ts";

/** Raised when a field of the document changes its meaning or goes away; additions do not raise it. */
export const PLAN_VERSION = 1;

const values = z.record(z.string(), z.json());

const plannedResourceSchema = z.object({
  urn: z.string(),
  type: z.string().describe("`libvirt:index:Domain`"),
  name: z.string().describe("The name that the program gave"),
  parent: z.string().optional().describe("URN of its component; absent for the stack"),
  provider: z.string().optional().describe("`urn::id` of its provider"),
  dependencies: z.array(z.string()).default([]).describe("URNs of the resources that must exist before it"),
  component: z.boolean().describe("True for a component, which only groups resources"),
  operation: z.enum(OPERATIONS).describe("What `up` would do to it"),
  checked: z.boolean().default(true).describe("Whether its provider has checked it"),
  protect: z.boolean().describe("Whether the engine refuses to delete it"),
  inputs: values.describe("The new inputs; for a deletion, the old ones"),
});

const violationSchema = z.object({ rule: z.string(), urn: z.string(), message: z.string() });

/** What `ai-how preview --format json` prints: the stack after `up`, with hidden secrets. */
export const planSchema = z.object({
  version: z.literal(PLAN_VERSION).describe("Version of this format"),
  stack: z.string(),
  engine: z.enum(["pulumi", "in-process"]),
  resources: z.array(plannedResourceSchema),
  outputs: values.describe("Of the stack"),
  violations: z.array(violationSchema).describe("Policies that the stack violates"),
  warnings: z.array(z.string()),
  failures: z
    .array(z.string())
    .describe("Why there is no plan, one reason per line; empty if there is a plan"),
});

export type Plan = z.infer<typeof planSchema>;
export type PlannedResource = z.infer<typeof plannedResourceSchema>;

/** The part of the document that comes from the engine; `root` is the project's folder. */
export function describe(
  { resources, violations }: StackPlan,
  root: string,
): Pick<Plan, "resources" | "outputs" | "violations"> {
  return {
    resources: resources.map(
      ({ urn, type, parent, provider, dependencies, component, operation, checked, protect, inputs }) => ({
        ...{ urn, type, name: nameOf(urn) },
        ...(parent !== undefined && { parent }),
        ...(provider !== undefined && { provider }),
        ...{ dependencies: [...dependencies], component, operation, checked, protect },
        inputs: visible(inputs, root),
      }),
    ),
    outputs: visible(resources.find(({ type }) => type === STACK_TYPE)?.outputs ?? {}, root),
    violations: [...violations],
  };
}
