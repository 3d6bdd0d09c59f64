import { isDeepStrictEqual } from "node:util";
import {
  hasSecret,
  isObject,
  isSecret,
  revealAll,
  secret,
  type Value,
  type Values,
} from "../../wire/values.ts";
import type { Operation } from "../events.ts";
import type { Handler, Last } from "./providers.ts";
import type { ResourceState } from "./state.ts";

/** A resource's values as a handler works with them: secrets opened. */
export function plain(resource: ResourceState): Last {
  return { inputs: revealAll(resource.inputs), state: revealAll(resource.outputs) };
}

/** Whether a resource has to go before the other one can. */
export function needs(dependent: ResourceState, resource: ResourceState): boolean {
  return (
    dependent.parent === resource.urn ||
    dependent.dependencies.includes(resource.urn) ||
    dependent.provider?.startsWith(`${resource.urn}::`) === true ||
    Object.values(dependent.propertyDependencies).some((urns) => urns.includes(resource.urn))
  );
}

/** What is protected, and what that cannot be without: a component above it, a provider, a password. */
export function protectedAndNeeded(resources: readonly ResourceState[]): ReadonlySet<ResourceState> {
  const kept = new Set<ResourceState>();
  // Later resources can only need earlier ones.
  for (const resource of [...resources].reverse())
    if (resource.protect === true || [...kept].some((other) => needs(other, resource))) kept.add(resource);
  return kept;
}

/** Outputs as the state keeps them: secret where the inputs were, or where handler or program say so. */
export function markOutputs(
  handler: Pick<Handler, "secrets" | "secretsSpread">,
  resource: ResourceState,
  outputs: Values,
): Values {
  const inherit = handler.secretsSpread && Object.values(resource.inputs).some(hasSecret);
  const names = [...handler.secrets, ...(resource.additionalSecretOutputs ?? [])];
  return Object.fromEntries(
    Object.entries(markLike(withoutUndefined(outputs), resource.inputs)).map(([key, value]) => [
      key,
      names.includes(key) || (inherit && !(key in resource.inputs)) ? secret(value) : value,
    ]),
  );
}

/** Marks in `values` what was secret in `marked`: objects key by key, an array as a whole. */
export function markLike(values: Values, marked: Values): Values {
  const result: Values = {};
  for (const [key, value] of Object.entries(values)) {
    const like = marked[key];
    if (isSecret(like) || (Array.isArray(like) && hasSecret(like))) result[key] = secret(value);
    else if (isObject(like) && isObject(value)) result[key] = markLike(value, like);
    else result[key] = value;
  }
  return result;
}

/** What is done to a resource that has no difference but that of its inputs; marks of secrets are none. */
export function operationFor(old: ResourceState | undefined, is: ResourceState): Operation {
  if (old === undefined) return "create";
  return isDeepStrictEqual(revealAll(old.inputs), revealAll(is.inputs)) ? "same" : "update";
}

/** The new inputs, with the old values of those that the program wants ignored. */
export function ignoreChanges(inputs: Values, old: Values | undefined, keys: readonly string[]): Values {
  if (old === undefined || keys.length === 0) return inputs;
  if (keys.includes("*")) return old;
  const kept = Object.fromEntries(keys.map((key) => [key, old[key]]));
  return withoutUndefined({ ...inputs, ...kept });
}

function withoutUndefined(values: Readonly<Record<string, Value | undefined>>): Values {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
}
