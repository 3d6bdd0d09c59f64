import type { Values } from "../../wire/values.ts";
import type { ResourceState } from "./state.ts";

/** The desired resource, as the program registers it. */
export interface Goal {
  readonly name: string;
  /** In the form of the state. */
  readonly resource: Omit<ResourceState, "urn">;
  /** True for a component that a provider makes. */
  readonly remote: boolean;
  readonly aliases: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  /** Options that only Pulumi's engine supports. */
  readonly unsupported: readonly string[];
}

/** The answer to the program. */
export interface Registered {
  readonly urn: string;
  /** Empty if only `up` will know it. */
  readonly id: string;
  readonly outputs: Values;
}
