import type { Resource } from "./resource.ts";

interface RuleBase {
  /** What messages and the policy pack call it. */
  readonly name: string;
  /** What it demands, in a sentence. */
  readonly description: string;
}

/** Looks at one resource before it is made or changed. */
export interface ResourceRule extends RuleBase {
  readonly scope: "resource";
  /** What is wrong, each in a line that says what to do. */
  readonly check: (resource: Resource) => readonly string[];
}

/** Looks at all resources of a stack, and the stack itself, as a preview would leave them or as they are. */
export interface StackRule extends RuleBase {
  readonly scope: "stack";
  readonly check: (resources: readonly Resource[]) => readonly Finding[];
}

export interface Finding {
  readonly urn: string;
  readonly message: string;
}

/** A finding, and the rule that it is against. */
export interface Violation extends Finding {
  readonly rule: string;
}
