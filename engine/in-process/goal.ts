import type { Values } from "../../wire/values.ts";
import type { ResourceState } from "./state.ts";

/** A resource as the program wants it to be. */
export interface Goal {
  readonly name: string;
  /** As the state would keep it. */
  readonly resource: Omit<ResourceState, "urn">;
  /** Whether a provider makes it, though it is a component. */
  readonly remote: boolean;
  readonly aliases: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  /** Options that only Pulumi's engine knows. */
  readonly unsupported: readonly string[];
}

/** What the program gets back for a goal. */
export interface Registered {
  readonly urn: string;
  /** Empty when it is only known after `up`. */
  readonly id: string;
  readonly outputs: Values;
}
