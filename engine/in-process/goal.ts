import type { Values } from "../../wire/values.ts";

/** A resource as the program wants it to be. */
export interface Goal {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  /** A component that a provider makes. */
  readonly remote: boolean;
  readonly parent: string;
  readonly inputs: Values;
  readonly provider: string;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly aliases: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
  readonly deletedWith?: string;
  readonly importId?: string;
}

/** What the program gets back for a goal. */
export interface Registered {
  readonly urn: string;
  /** Empty when it is only known after `up`. */
  readonly id: string;
  readonly outputs: Values;
}
