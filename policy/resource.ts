import { isObject, isSecret, UNKNOWN, type Value, type Values } from "../wire/values.ts";

/** A resource as a rule sees it. */
export interface Resource {
  readonly urn: string;
  /** `libvirt:index:Domain` */
  readonly type: string;
  /** Inputs where one resource is looked at before it is made, outputs where all of a stack are. */
  readonly properties: Values;
  /** Whether the engine refuses to delete it. */
  readonly protect: boolean;
}

/** A value that has no parts, and where it lies. */
export interface Leaf {
  /** `machines[0].hostKey` */
  readonly path: string;
  /** The nearest key above it, `hostKey`; of a pair `{ name: "TOKEN", value: "..." }` the name. */
  readonly key: string;
  readonly value: null | boolean | number | string;
  readonly secret: boolean;
}

/** Every known value without parts that the properties are made of. */
export function* leaves(properties: Values): Generator<Leaf> {
  for (const [key, value] of Object.entries(properties)) yield* below(value, key, key, false);
}

function* below(value: Value, path: string, key: string, secret: boolean): Generator<Leaf> {
  if (isSecret(value)) yield* below(value.value, path, key, true);
  else if (value === UNKNOWN) return;
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* below(item, `${path}[${index}]`, key, secret);
  } else if (isObject(value)) {
    const pair = typeof value.name === "string" ? value.name : "value";
    for (const [name, item] of Object.entries(value))
      yield* below(item, `${path}.${name}`, name === "value" ? pair : name, secret);
  } else yield { path, key, value, secret };
}
