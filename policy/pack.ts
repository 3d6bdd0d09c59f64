// The policy pack that Pulumi's CLI runs: `pulumi preview --policy-pack policy`. The rules themselves are in rules.ts; those
// for a whole stack need to know what is secret, which Pulumi shows to no pack: `ai-how` applies them to the plan.
import { PolicyPack, UnknownValueError } from "@pulumi/policy";
import { UNKNOWN, type Value, type Values } from "../wire/values.ts";
import { resourceRules } from "./rules.ts";

new PolicyPack("ai-how", {
  enforcementLevel: "mandatory",
  policies: resourceRules.map(({ name, description, check }) => ({
    name,
    description,
    validateResource({ urn, type, props, opts }, report) {
      const properties = known(props as Values);
      for (const message of check({ urn, type, properties, protect: opts.protect })) report(message);
    },
  })),
});

/** The properties with a sentinel for each value that a preview does not know; Pulumi's own throw when one is read. */
function known(properties: Values): Values {
  return Object.fromEntries(Object.keys(properties).map((key) => [key, at(properties, key)]));
}

function at(properties: Values | Value[], key: string): Value {
  let value: Value | undefined;
  try {
    value = (properties as Values)[key];
  } catch (error) {
    if (error instanceof UnknownValueError) return UNKNOWN;
    throw error;
  }
  if (Array.isArray(value)) return Object.keys(value).map((index) => at(value, index));
  return typeof value === "object" && value !== null ? known(value) : (value ?? null);
}
