import { join } from "node:path";
import { UserError } from "../config/errors.ts";
import type { Resource } from "../policy/resource.ts";
import type { Violation } from "../policy/rule.ts";
import { checkResource, checkStack } from "../policy/rules.ts";
import type { Engine, RunOptions, StackResource } from "./engine.ts";
import type { Listener, Summary } from "./events.ts";

/** The folder of the policy pack, for Pulumi's CLI. */
export const POLICY_PACK = join(import.meta.dirname, "..", "policy");

export const NOTHING_CHANGED = "nothing was changed";
export const FIX_PROGRAM = "fix the program and run `up` again";

/** Shows what `up` would do; throws if that violates a policy. */
export async function preview(engine: Engine, options: RunOptions): Promise<Summary> {
  const { summary, violations } = await engine.plan(options);
  refuse(violations, options.emit, NOTHING_CHANGED);
  return summary;
}

/** Violations of the policies for single resources, which check inputs. */
export function resourceViolations(resources: readonly StackResource[]): Violation[] {
  return resources.flatMap((each) => checkResource(policyResource(each, "inputs")));
}

/** Violations of the policies for a whole stack, which check outputs; complete only if every output is known. */
export function stackViolations(resources: readonly StackResource[]): Violation[] {
  return checkStack(resources.map((each) => policyResource(each, "outputs")));
}

function policyResource(resource: StackResource, values: "inputs" | "outputs"): Resource {
  return { ...resource, properties: resource[values] };
}

/** Throws if a resource violates a policy. A preview does not know all inputs, so `up` checks them once more. */
export function assertAllowed(resource: StackResource): void {
  const violations = resourceViolations([resource]);
  if (violations.length > 0)
    throw new UserError(violations.map(({ rule, message }) => `${rule}: ${message}`).join("\n"));
}

/** Reports violations and throws if there are any; `consequence` ends the message. */
export function refuse(violations: readonly Violation[], emit: Listener, consequence: string): void {
  for (const { rule, urn, message } of violations) emit({ type: "violation", rule, urn, message });
  if (violations.length > 0) throw refusal(violations.length, consequence);
}

/** The error of a run that policies stopped. */
export function refusal(violations: number, consequence: string): UserError {
  return new UserError(
    `${violations} policy ${violations === 1 ? "violation" : "violations"}; ${consequence}`,
  );
}

/** Passes on only the problems: `up` begins with a preview, and its run reports the steps. */
export function problemsOnly(listener: Listener): Listener {
  return (event) => {
    const isProblem =
      event.type === "log" ? event.level === "error" : ["failed", "violation"].includes(event.type);
    if (isProblem) listener(event);
  };
}
