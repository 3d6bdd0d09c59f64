import type { Violation } from "../policy/rule.ts";
import { STACK_TYPE } from "../wire/urn.ts";
import { hasSecret, reveal, type Values } from "../wire/values.ts";
import type { Listener, Operation, Summary } from "./events.ts";

/** A stack of the project, and the project's folder. */
export interface StackReference {
  /** The folder of Pulumi.yaml. */
  readonly root: string;
  readonly stack: string;
}

export interface RunOptions {
  readonly emit: Listener;
  readonly signal: AbortSignal;
  /** The largest number of operations at a time. */
  readonly parallel: number;
  /** URNs of the only resources that may change. Default: every resource. */
  readonly targets?: readonly string[];
  /** URNs of resources to replace with their dependents, even if that destroys data. Default: none. */
  readonly replace?: readonly string[];
}

export interface DownOptions extends RunOptions {
  /** Keeps protected resources and their dependencies, and deletes the rest. Default: a protected resource stops `down`. */
  readonly excludeProtected?: boolean;
}

/** A resource in a state, or after a plan. */
export interface StackResource {
  readonly urn: string;
  /** `libvirt:index:Domain` */
  readonly type: string;
  readonly id?: string | undefined;
  readonly parent?: string | undefined;
  /** `urn::id` of its provider. */
  readonly provider?: string | undefined;
  /** True for a component, which only groups resources. */
  readonly component: boolean;
  /** Whether the engine refuses to delete it. */
  readonly protect: boolean;
  /** URNs of the resources that must exist before it. */
  readonly dependencies: readonly string[];
  /** URN of a resource whose deletion also removes this one. */
  readonly deletedWith?: string | undefined;
  /** In Pulumi's protocol, with marked secrets; `outputs` too. */
  readonly inputs: Values;
  readonly outputs: Values;
}

/** A resource and what `up` would do to it. */
export interface ResourcePlan extends StackResource {
  readonly operation: Operation;
  /** False if no provider checked it; then the plan has the program's inputs. */
  readonly checked: boolean;
}

/** What `up` would do. Pulumi's engine hides the values of secrets. */
export interface StackPlan {
  /** Includes the resources that `up` would delete. */
  readonly resources: readonly ResourcePlan[];
  readonly summary: Summary;
  readonly violations: readonly Violation[];
}

/** Runs the program: Pulumi's own engine, or ours in-process. A failed operation reports its failure, then throws. */
export interface Engine {
  readonly name: "pulumi" | "in-process";
  /** Throws if there is no plan; the result lists policy violations. */
  plan(options: RunOptions): Promise<StackPlan>;
  /** Changes nothing if the plan violates a policy. */
  up(options: RunOptions): Promise<Summary>;
  refresh(options: RunOptions): Promise<Summary>;
  down(options: DownOptions): Promise<Summary>;
  /** The resources of the last `up`, in order of creation. */
  resources(): Promise<readonly StackResource[]>;
}

/** An output of a stack: its value, and whether it may be shown. */
export interface StackOutput {
  readonly value: unknown;
  readonly secret: boolean;
}

/** The outputs of the last `up`, with decrypted secrets. Empty for a stack that is not up. */
export async function outputsOf(engine: Engine): Promise<Readonly<Record<string, StackOutput>>> {
  const stack = (await engine.resources()).find(({ type }) => type === STACK_TYPE);
  return Object.fromEntries(
    Object.entries(stack?.outputs ?? {}).map(([name, value]) => [
      name,
      { value: reveal(value), secret: hasSecret(value) },
    ]),
  );
}
