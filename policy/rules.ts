import { noDefaultNetwork } from "./rules/no-default-network.ts";
import { noPasswordLogin } from "./rules/no-password-login.ts";
import { noPlainSecret } from "./rules/no-plain-secret.ts";
import { pinned } from "./rules/pinned.ts";
import { protectedData } from "./rules/protected-data.ts";
import type { Resource } from "./resource.ts";
import type { ResourceRule, StackRule, Violation } from "./rule.ts";

export const resourceRules: readonly ResourceRule[] = [
  noDefaultNetwork,
  noPasswordLogin,
  pinned,
  protectedData,
];
export const stackRules: readonly StackRule[] = [noPlainSecret];

/** Violations of one resource, from its inputs. */
export function checkResource(resource: Resource): Violation[] {
  return resourceRules.flatMap(({ name, check }) =>
    check(resource).map((message) => ({ rule: name, urn: resource.urn, message })),
  );
}

/** Violations of a stack, from the outputs of its resources. */
export function checkStack(resources: readonly Resource[]): Violation[] {
  return stackRules.flatMap(({ name, check }) =>
    check(resources).map((finding) => ({ rule: name, ...finding })),
  );
}
