import type { DiffResult, Last, ResourceHandler } from "./handler.ts";
import type { ResourceState } from "./state.ts";
import { hasSecret, markLike, revealAll, secret, type Value, type Values } from "./values.ts";

const PROVIDER_TYPE = "pulumi:providers:";

export function isProvider(type: string): boolean {
  return type.startsWith(PROVIDER_TYPE);
}

/** `libvirt` of `pulumi:providers:libvirt`. */
export function providedPackage(type: string): string {
  return type.slice(PROVIDER_TYPE.length);
}

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
export function markOutputs(handler: ResourceHandler, resource: ResourceState, outputs: Values): Values {
  const inherit = handler.outputsInheritSecrets && Object.values(resource.inputs).some(hasSecret);
  const names = [...handler.secretOutputs, ...(resource.additionalSecretOutputs ?? [])];
  return Object.fromEntries(
    Object.entries(markLike(withoutUndefined(outputs), resource.inputs)).map(([key, value]) => [
      key,
      names.includes(key) || (inherit && !(key in resource.inputs)) ? secret(value) : value,
    ]),
  );
}

/** The new inputs, with the old values of the properties that the program wants ignored. */
export function ignoreChanges(inputs: Values, old: Values | undefined, paths: readonly string[]): Values {
  if (old === undefined || paths.length === 0) return inputs;
  if (paths.includes("*")) return structuredClone(old);
  const result = structuredClone(inputs);
  for (const path of paths) copyAt(result, old, keysOf(path));
  return result;
}

/** The difference, with everything replaced that the program wants replaced at a change. */
export function withReplaceOnChanges(diff: DiffResult, paths: readonly string[]): DiffResult {
  const wanted = paths.map(keysOf);
  const concerned = diff.properties
    .map(({ path }) => keysOf(path))
    .filter((keys) =>
      wanted.some(([...prefix]) => prefix[0] === "*" || prefix.every((key, at) => keys[at] === key)),
    )
    .flatMap((keys) => keys.slice(0, 1));
  return { ...diff, replaces: [...new Set([...diff.replaces, ...concerned])] };
}

/** `["disks", "0", "volume"]` of `disks[0].volume`. */
function keysOf(path: string): string[] {
  return path.split(/[.[\]"]+/).filter((key) => key !== "");
}

function copyAt(to: Value | undefined, from: Value | undefined, keys: readonly string[]): void {
  const [key, ...rest] = keys;
  if (key === undefined || to === null || from === null || typeof to !== "object" || typeof from !== "object")
    return;
  const target = to as Values;
  const source = from as Values;
  if (rest.length > 0) copyAt(target[key], source[key], rest);
  else if (source[key] === undefined) Reflect.deleteProperty(target, key);
  else target[key] = structuredClone(source[key]);
}

function withoutUndefined(values: Readonly<Record<string, Value | undefined>>): Values {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
}
