/** A property value as rules see it: JSON, in which what is secret and what is not known yet are marked. */
export type Value =
  null | boolean | number | string | typeof UNKNOWN | Secret | readonly Value[] | Properties;

export interface Properties {
  readonly [key: string]: Value;
}

/** A value that only exists after `up`. */
export const UNKNOWN: unique symbol = Symbol("known after up");

/** A value that the engine encrypts and hides. Rules may look at it, and must not repeat it. */
export class Secret {
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }
}

/** A resource as a rule sees it. */
export interface Resource {
  readonly urn: string;
  /** `libvirt:index:Domain` */
  readonly type: string;
  /** Inputs where one resource is looked at before it is made, outputs where all of a stack are. */
  readonly properties: Properties;
  /** Whether the engine refuses to delete it. */
  readonly protect: boolean;
}

export function isProperties(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Secret);
}

/** The value without its mark. */
export function opened(value: Value | undefined): Exclude<Value, Secret> | undefined {
  return value instanceof Secret ? opened(value.value) : value;
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
export function* leaves(properties: Properties): Generator<Leaf> {
  for (const [key, value] of Object.entries(properties)) yield* below(value, key, key, false);
}

function* below(value: Value, path: string, key: string, secret: boolean): Generator<Leaf> {
  if (value instanceof Secret) yield* below(value.value, path, key, true);
  else if (typeof value === "symbol") return;
  else if (isList(value)) {
    for (const [index, item] of value.entries()) yield* below(item, `${path}[${index}]`, key, secret);
  } else if (isProperties(value)) {
    const pair = typeof value.name === "string" ? value.name : "value";
    for (const [name, item] of Object.entries(value))
      yield* below(item, `${path}.${name}`, name === "value" ? pair : name, secret);
  } else yield { path, key, value, secret };
}

// `Array.isArray` does not tell a readonly list from the rest.
function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
