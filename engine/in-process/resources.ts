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

/** A resource's values for a handler, with plain secrets. */
export function plain(resource: ResourceState): Last {
  return { inputs: revealAll(resource.inputs), state: revealAll(resource.outputs) };
}

/** Whether `dependent` must be deleted before `resource`. */
export function needs(dependent: ResourceState, resource: ResourceState): boolean {
  return (
    dependent.parent === resource.urn ||
    dependent.dependencies.includes(resource.urn) ||
    dependent.provider?.startsWith(`${resource.urn}::`) === true ||
    Object.values(dependent.propertyDependencies).some((urns) => urns.includes(resource.urn))
  );
}

/** The protected resources and what they need: components above them, providers, passwords. */
export function protectedAndNeeded(resources: readonly ResourceState[]): ReadonlySet<ResourceState> {
  const kept = new Set<ResourceState>();
  // A resource depends only on earlier ones.
  for (const resource of [...resources].reverse())
    if (resource.protect === true || [...kept].some((other) => needs(other, resource))) kept.add(resource);
  return kept;
}

/** Marks as secret the outputs whose inputs are secret, and those that the handler or the program names. */
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

/** Marks in `values` what is secret in `marked`: in objects key by key, an array as a whole. */
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

/** The operation that a comparison of all inputs gives; marks of secrets do not count. */
export function operationFor(old: ResourceState | undefined, is: ResourceState): Operation {
  if (old === undefined) return "create";
  return isDeepStrictEqual(revealAll(old.inputs), revealAll(is.inputs)) ? "same" : "update";
}

/** The new inputs, with the old values of those whose changes the program ignores. */
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
