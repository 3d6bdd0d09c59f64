import { join } from "node:path";
import type { Listener } from "./events.ts";

/** The folder of the policy pack, for Pulumi's CLI. */
export const POLICY_PACK = join(import.meta.dirname, "..", "policy");

export const NOTHING_MADE = "nothing was changed";

/** What a run ends with that policies stopped. */
export function refusal(violations: number, consequence: string): string {
  return `${violations} policy ${violations === 1 ? "violation" : "violations"}; ${consequence}`;
}

/** A listener for the preview that `up` begins with: the run itself tells all the rest. */
export function problemsOnly(listener: Listener): Listener {
  return (event) => {
    const isProblem =
      event.type === "log" ? event.level === "error" : ["failed", "violation"].includes(event.type);
    if (isProblem) listener(event);
  };
}
