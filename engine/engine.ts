import type { Violation } from "../policy/rule.ts";
import { STACK_TYPE } from "../wire/urn.ts";
import { hasSecret, reveal, type Values } from "../wire/values.ts";
import type { Listener, Operation, Summary } from "./events.ts";

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
  /** URNs of resources that are made anew, with what hangs on them, even where that destroys work. Default: none. */
  readonly replace?: readonly string[];
}

export interface DownOptions extends RunOptions {
  /** Whether what is protected stays, with all that it needs, and the rest goes. Default: then nothing goes. */
  readonly excludeProtected?: boolean;
}

/** A resource as a state has it, or as a plan would leave it. */
export interface StackResource {
  readonly urn: string;
  /** `libvirt:index:Domain` */
  readonly type: string;
  readonly id?: string | undefined;
  readonly parent?: string | undefined;
  /** URN and id of its provider, joined by `::`. */
  readonly provider?: string | undefined;
  /** Whether it only groups others. */
  readonly component: boolean;
  /** Whether the engine refuses to delete it. */
  readonly protect: boolean;
  /** URNs of what has to be there before it. */
  readonly dependencies: readonly string[];
  /** URN of what it goes with, without being deleted itself. */
  readonly deletedWith?: string | undefined;
  /** In Pulumi's protocol, as are the outputs: secrets are marked. */
  readonly inputs: Values;
  readonly outputs: Values;
}

/** A resource and what `up` would do to it. */
export interface ResourcePlan extends StackResource {
  readonly operation: Operation;
  /** False where its provider did not look at it: it is shown as the program asks for it. */
  readonly checked: boolean;
}

/** What `up` would do. Of secrets, Pulumi's engine tells that they are there and not what they are. */
export interface StackPlan {
  /** Those that would be deleted, too. */
  readonly resources: readonly ResourcePlan[];
  readonly summary: Summary;
  readonly violations: readonly Violation[];
}

/** What can run the program: Pulumi's own engine, or ours in-process. Every operation throws after a failure was told. */
export interface Engine {
  readonly name: "pulumi" | "in-process";
  /** Fails where there is no plan, and not where that violates a policy. */
  plan(options: RunOptions): Promise<StackPlan>;
  /** Makes nothing where the plan violates a policy. */
  up(options: RunOptions): Promise<Summary>;
  refresh(options: RunOptions): Promise<Summary>;
  down(options: DownOptions): Promise<Summary>;
  /** The resources of the last `up`, in the order in which they came to exist. */
  resources(): Promise<readonly StackResource[]>;
}

/** An output of a stack: its value, and whether it may be shown. */
export interface StackOutput {
  readonly value: unknown;
  readonly secret: boolean;
}

/** The outputs of the last `up`; secrets opened and marked. Empty for a stack that is not up. */
export async function outputsOf(engine: Engine): Promise<Readonly<Record<string, StackOutput>>> {
  const stack = (await engine.resources()).find(({ type }) => type === STACK_TYPE);
  return Object.fromEntries(
    Object.entries(stack?.outputs ?? {}).map(([name, value]) => [
      name,
      { value: reveal(value), secret: hasSecret(value) },
    ]),
  );
}
