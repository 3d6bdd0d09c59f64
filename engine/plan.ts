import { z } from "zod";
import { OPERATIONS } from "./events.ts";

/** Raised when a field of the document changes its meaning or goes away; additions do not raise it. */
export const PLAN_VERSION = 1;

const values = z.record(z.string(), z.json());

const plannedResourceSchema = z.object({
  urn: z.string(),
  type: z.string().describe("`libvirt:index:Domain`"),
  name: z.string().describe("The name that the program gave"),
  parent: z.string().optional().describe("URN of its component; absent for the stack"),
  component: z.boolean().describe("Whether it only groups others"),
  operation: z.enum(OPERATIONS).describe("What `up` would do to it"),
  protect: z.boolean().describe("Whether the engine refuses to delete it"),
  inputs: values.describe("As they would be; of what is deleted, as they are"),
});

const violationSchema = z.object({ rule: z.string(), urn: z.string(), message: z.string() });

/** What `ai-how preview --format json` prints: a stack as `up` would leave it, secrets hidden. */
export const planSchema = z.object({
  version: z.literal(PLAN_VERSION).describe("Version of this format"),
  stack: z.string(),
  engine: z.enum(["pulumi", "in-process"]),
  resources: z.array(plannedResourceSchema),
  outputs: values.describe("Of the stack"),
  violations: z.array(violationSchema).describe("Policies that it is against"),
  warnings: z.array(z.string()),
  failures: z.array(z.string()).describe("Why there is no plan, a line each; empty where there is one"),
});

export type Plan = z.infer<typeof planSchema>;
export type PlannedResource = z.infer<typeof plannedResourceSchema>;

/** What an engine says of a plan; the rest is known to whoever asks. */
export type Described = Pick<Plan, "resources" | "outputs" | "violations">;
