import type { Values } from "./values.ts";

/** What a handler may use besides the values: all plain, secrets opened. */
export interface Operation {
  readonly urn: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** A resource as the last operation left it. */
export interface Last {
  readonly inputs: Values;
  readonly state: Values;
}

/** A difference between two versions of a resource's inputs. */
export interface InputDiff {
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
}

export interface DiffResult {
  readonly properties: readonly InputDiff[];
  /** The inputs whose change replaces the resource; empty for an update in place. */
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
  /** Why the replacement is refused, unless somebody asks for it; undefined where it may be. */
  readonly refusal?: string;
}

/** Does for one kind of resource what its Pulumi provider does. */
export interface ResourceHandler {
  /** Input names whose outputs are secret, whatever the program says. */
  readonly secretOutputs: readonly string[];
  /** True where every output is secret as soon as any input is. */
  readonly outputsInheritSecrets: boolean;
  check(inputs: Values): { inputs: Values; problems: { property: string; reason: string }[] };
  diff(was: Values, is: Values): DiffResult;
  /** The outputs that are known before the operation; the others are unknown in a preview. */
  preview(urn: string, inputs: Values, last?: Last): Values;
  /** The id that a creation would have given; undefined where it cannot be told. */
  identify(urn: string, inputs: Values): string | undefined;
  create(inputs: Values, operation: Operation): Promise<{ id: string; inputs: Values; state: Values }>;
  read(
    id: string,
    last: Last | undefined,
    operation: Operation,
  ): Promise<{ id: string; inputs: Values; state: Values } | undefined>;
  update(
    id: string,
    last: Last,
    inputs: Values,
    operation: Operation,
  ): Promise<{ id: string; inputs: Values; state: Values }>;
  delete(id: string, last: Last, operation: Operation): Promise<void>;
}
