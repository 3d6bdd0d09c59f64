import type { z } from "zod";

/** What a change of one input does to a resource that exists. */
export type Change = "update" | "restart" | "replace";

/** What an operation may use besides its inputs. */
export interface Context<Config> {
  /** The resource's URN; empty during an import or an invoke. */
  readonly urn: string;
  /** The provider's configuration, checked. */
  readonly config: Config;
  /** Shows one line of progress to the user. */
  readonly log: (line: string) => void;
  /** Aborted when the deployment is cancelled. */
  readonly signal: AbortSignal;
}

/** A resource after an operation: its actual inputs, and its whole state. */
export interface Existing<Inputs, State> {
  readonly id: string;
  readonly inputs: Inputs;
  readonly state: State;
}

/** One bad input: its path below the resource (`disks[0].volume`) and what is wrong with it. */
export interface Problem {
  readonly property: string;
  readonly reason: string;
}

/** One schema an input, defaults included. */
export type InputSchemas = Readonly<Record<string, z.ZodType>>;

/** Inputs after their check, with every default filled in. */
export type InputsOf<Schemas extends InputSchemas> = z.output<z.ZodObject<Schemas>>;

/**
 * One kind of resource, free of any protocol: the gRPC server and the in-process engine both drive it.
 * Every operation is idempotent: an engine that was killed in the middle calls it again.
 */
export interface ResourceType<Config, Inputs extends object, State extends object> {
  /** Pulumi's type token, `libvirt:index:Domain`. */
  readonly token: string;
  /** One schema an input, defaults included. */
  readonly inputs: { readonly [K in keyof Inputs]: z.ZodType<Inputs[K]> };
  /** What a change of each input does; `replace` for an input that is not listed. */
  readonly changes: { readonly [K in keyof Inputs]?: Change | ((was: Inputs[K], is: Inputs[K]) => Change) };
  /** True if the old resource must be deleted first, for example because both have the same name. */
  readonly deleteBeforeReplace: boolean;
  /**
   * What a replacement would destroy, `NAME: its disk is lost`; undefined if the resource may be replaced. A guarded resource is
   * replaced only with `--replace`: any other change that replaces it is refused, and an unknown value counts as an update.
   */
  guard?(was: Inputs): string | undefined;
  /** Outputs, inputs among them, that are always secret. */
  readonly secrets?: readonly (keyof State & string)[];
  /** True if every output is secret as soon as any input is. */
  readonly secretsSpread?: boolean;
  /** Outputs that an update may change: its preview shows them as unknown. */
  readonly volatile?: readonly (keyof State & string)[];
  /** Checks several inputs against each other; called only when each is known and valid. */
  check?(inputs: Inputs): Problem[];
  /**
   * The outputs that a preview can compute: before a creation, or before an update of a resource with the state `last`. All
   * others are unknown in a preview.
   */
  foresee?(inputs: Inputs, context: Pick<Context<Config>, "urn" | "config">, last?: State): Partial<State>;
  /** The id that `create` will return, so that an interrupted creation can be cleaned up; undefined if that is not known. */
  identify(inputs: Inputs, context: Pick<Context<Config>, "urn" | "config">): string | undefined;
  create(inputs: Inputs, context: Context<Config>): Promise<Existing<Inputs, State>>;
  /** The resource as it is now; undefined if it is gone. `last` is undefined during an import. */
  read(
    id: string,
    last: { inputs: Inputs; state: State } | undefined,
    context: Context<Config>,
  ): Promise<Existing<Inputs, State> | undefined>;
  update(
    id: string,
    was: { inputs: Inputs; state: State },
    inputs: Inputs,
    context: Context<Config>,
  ): Promise<Existing<Inputs, State>>;
  /** Succeeds if the resource is already gone. */
  delete(id: string, last: { inputs: Inputs; state: State }, context: Context<Config>): Promise<void>;
}

/** A function that a program can call in a provider: `libvirt:index:hostDevices`. */
export interface InvokeType<Config, Args extends object, Result extends object> {
  readonly token: string;
  readonly args: { readonly [K in keyof Args]: z.ZodType<Args[K]> };
  call(args: Args, context: Context<Config>): Promise<Result>;
}

// Method parameters are bivariant, so resource types with different inputs fit one list.
/** A resource type whose inputs and state are known only at run time. */
export type AnyResourceType<Config> = ResourceType<Config, Record<string, unknown>, Record<string, unknown>>;

/** A provider: its name, configuration, resources and functions. */
export interface ProviderDefinition<Config extends object> {
  readonly name: string;
  readonly version: string;
  readonly config: { readonly [K in keyof Config]: z.ZodType<Config[K]> };
  readonly resources: readonly AnyResourceType<Config>[];
  readonly invokes: readonly InvokeType<Config, Record<string, unknown>, Record<string, unknown>>[];
}

/** Checks a resource type against its own inputs and state, and returns it as an element of `ProviderDefinition.resources`. */
export function resourceType<Config, Inputs extends object, State extends object>(
  type: ResourceType<Config, Inputs, State>,
): AnyResourceType<Config> {
  return type as unknown as AnyResourceType<Config>;
}

/** A failure that the user can fix: shown as one line, without a stack trace. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
}
