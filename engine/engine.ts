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
  /** URNs of resources that are made anew, with what hangs on them, even where that destroys work. Default: none. */
  readonly replace?: readonly string[];
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

/** A resource as the state has it. */
export interface StackResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly parent?: string;
  /** URN and id of its provider, joined by `::`. */
  readonly provider?: string;
  /** Its inputs that are texts, and no secrets. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** What an engine shows of a resource in its state. There, a secret is no text but an object. */
export function stackResource(resource: {
  readonly urn: string;
  readonly type: string;
  readonly id?: string | undefined;
  readonly parent?: string | undefined;
  readonly provider?: string | undefined;
  readonly inputs: Readonly<Record<string, unknown>>;
}): StackResource {
  const { urn, type, id, parent, provider } = resource;
  const texts = Object.entries(resource.inputs).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return {
    urn,
    type,
    ...(id !== undefined && { id }),
    ...(parent !== undefined && { parent }),
    ...(provider !== undefined && { provider }),
    inputs: Object.fromEntries(texts),
  };
}
