import type { Resource } from "./resource.ts";

interface RuleBase {
  /** Name in messages and in the policy pack. */
  readonly name: string;
  /** What it requires, in one sentence. */
  readonly description: string;
}

/** Checks one resource before it is created or updated. */
export interface ResourceRule extends RuleBase {
  readonly scope: "resource";
  /** Returns one line per problem, with what to do. */
  readonly check: (resource: Resource) => readonly string[];
}

/** Checks all resources of a stack, including the stack itself: planned ones in a preview, else existing ones. */
export interface StackRule extends RuleBase {
  readonly scope: "stack";
  readonly check: (resources: readonly Resource[]) => readonly Finding[];
}

export interface Finding {
  readonly urn: string;
  readonly message: string;
}

/** A finding, with the name of the rule. */
export interface Violation extends Finding {
  readonly rule: string;
}
