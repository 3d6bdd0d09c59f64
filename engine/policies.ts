import { join } from "node:path";
import { UserError } from "../config/errors.ts";
import type { Resource } from "../policy/resource.ts";
import type { Violation } from "../policy/rule.ts";
import { checkResource, checkStack } from "../policy/rules.ts";
import type { Engine, RunOptions, StackResource } from "./engine.ts";
import type { Listener, Summary } from "./events.ts";

/** The folder of the policy pack, for Pulumi's CLI. */
export const POLICY_PACK = join(import.meta.dirname, "..", "policy");

export const NOTHING_MADE = "nothing was changed";
export const MEND = "mend the program and run `up` again";

/** Shows what `up` would do; throws where that violates a policy. */
export async function preview(engine: Engine, options: RunOptions): Promise<Summary> {
  const { summary, violations } = await engine.plan(options);
  refuse(violations, options.emit, NOTHING_MADE);
  return summary;
}

/** What of single resources is against a policy, by their inputs. */
export function resourceViolations(resources: readonly StackResource[]): Violation[] {
  return resources.flatMap((each) => checkResource(seen(each, "inputs")));
}

/** What is against a policy in all of a stack, by the outputs; it only shows in full once every value is known. */
export function stackViolations(resources: readonly StackResource[]): Violation[] {
  return checkStack(resources.map((each) => seen(each, "outputs")));
}

function seen(resource: StackResource, values: "inputs" | "outputs"): Resource {
  return { ...resource, properties: resource[values] };
}

/** Throws where a resource may not be made as it is: a preview does not know all of its inputs. */
export function admit(resource: StackResource): void {
  const violations = resourceViolations([resource]);
  if (violations.length > 0)
    throw new UserError(violations.map(({ rule, message }) => `${rule}: ${message}`).join("\n"));
}

/** Tells of violations, and throws where there are any; `consequence` ends the message. */
export function refuse(violations: readonly Violation[], emit: Listener, consequence: string): void {
  for (const { rule, urn, message } of violations) emit({ type: "violation", rule, urn, message });
  if (violations.length > 0) throw refusal(violations.length, consequence);
}

/** What a run ends with that policies stopped. */
export function refusal(violations: number, consequence: string): UserError {
  return new UserError(
    `${violations} policy ${violations === 1 ? "violation" : "violations"}; ${consequence}`,
  );
}

/** A listener for the preview that `up` begins with: the run itself tells all the rest. */
export function problemsOnly(listener: Listener): Listener {
  return (event) => {
    const isProblem =
      event.type === "log" ? event.level === "error" : ["failed", "violation"].includes(event.type);
    if (isProblem) listener(event);
  };
}
