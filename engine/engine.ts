import type { Listener, Summary } from "./events.ts";
import type { Described } from "./plan.ts";

/** One stack of the project, and where it lies. */
export interface StackReference {
  /** The folder of Pulumi.yaml. */
  readonly root: string;
  readonly stack: string;
}

export interface RunOptions {
  readonly emit: Listener;
  readonly signal: AbortSignal;
  /** How many resources are worked on at a time. */
  readonly parallel: number;
  /** URNs of the only resources that may change; all others stay as they are. Default: every resource. */
  readonly targets?: readonly string[];
}

export interface DownOptions extends RunOptions {
  /** Whether what is protected stays, with all that it needs, and the rest goes. Default: then nothing goes. */
  readonly excludeProtected?: boolean;
}

/** An output of a stack: its value, and whether it may be shown. */
export interface StackOutput {
  readonly value: unknown;
  readonly secret: boolean;
}

/** What can run the program: Pulumi's own engine, or ours in-process. Every operation throws after a failure was told. */
export interface Engine {
  readonly name: "pulumi" | "in-process";
  /** Fails where a policy is violated, too. */
  preview(options: RunOptions): Promise<Summary>;
  /** A preview for programs: fails where there is no plan, and not where that violates a policy. */
  describe(options: RunOptions): Promise<Described>;
  /** Makes nothing where a preview shows that a policy is violated. */
  up(options: RunOptions): Promise<Summary>;
  refresh(options: RunOptions): Promise<Summary>;
  down(options: DownOptions): Promise<Summary>;
  /** The outputs of the last `up`; secrets opened and marked. Empty for a stack that is not up. */
  outputs(): Promise<Readonly<Record<string, StackOutput>>>;
  /** The resources of the last `up`, in the order in which they came to exist. */
  resources(): Promise<readonly StackResource[]>;
}

/** A resource as the state has it, without its values. */
export interface StackResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly parent?: string;
}
