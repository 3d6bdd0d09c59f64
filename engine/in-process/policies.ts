import { UserError } from "../../config/errors.ts";
import type { Resource } from "../../policy/resource.ts";
import type { Violation } from "../../policy/rule.ts";
import { checkResource, checkStack } from "../../policy/rules.ts";
import { fromWire } from "../../policy/wire.ts";
import type { Listener } from "../events.ts";
import { refusal } from "../policies.ts";
import type { ResourceState } from "./state.ts";
import type { Values } from "./values.ts";

/** Everything in a stack that is against a policy: each resource by its inputs, and all of them by their outputs. */
export function violationsOf(resources: readonly ResourceState[]): Violation[] {
  return [
    ...resources.flatMap((each) => checkResource(seen(each, each.inputs))),
    ...stackViolations(resources),
  ];
}

/** What only shows once every value is known. */
export function stackViolations(resources: readonly ResourceState[]): Violation[] {
  return checkStack(resources.map((each) => seen(each, each.outputs)));
}

/** Throws where a resource may not be made as it is: a preview does not know all of its inputs. */
export function admit(resource: ResourceState): void {
  const violations = checkResource(seen(resource, resource.inputs));
  if (violations.length > 0)
    throw new UserError(violations.map(({ rule, message }) => `${rule}: ${message}`).join("\n"));
}

/** Tells of violations, and throws where there are any; `consequence` ends the message. */
export function refuse(violations: readonly Violation[], emit: Listener, consequence: string): void {
  for (const violation of violations) emit({ type: "violation", ...violation });
  if (violations.length > 0) throw new UserError(refusal(violations.length, consequence));
}

function seen({ urn, type, protect }: ResourceState, values: Values): Resource {
  return {
    urn,
    type,
    protect: protect === true,
    // Made anew each time: those of a thousand machines need not all be there at once.
    get properties() {
      return fromWire(values);
    },
  };
}
