/** What an engine does to a resource. */
export const OPERATIONS = [
  "same",
  "create",
  "update",
  "replace",
  "delete",
  "refresh",
  "forget",
  "read",
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** A changed input for people: its secrets are hidden. */
export interface ShownDiff {
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
  readonly was?: string;
  readonly is?: string;
  /** True when this difference replaces the resource. */
  readonly replaces: boolean;
}

/** The data that a replacement or deletion loses, as a sentence; undefined if it loses none. */
export function lossOf(type: string, inputs: Readonly<Record<string, unknown>>): string | undefined {
  return type === "libvirt:index:Volume" && inputs.keep === true ? "its disk is lost" : undefined;
}

/** An event of a run, for displays, logs and tests. */
export type EngineEvent =
  /** The program registered a resource; an empty parent is the stack itself. */
  | { readonly type: "registered"; readonly urn: string; readonly parent: string }
  /** `planned`: a preview's step, or a difference that a refresh found. `started`: a step begins. */
  | {
      readonly type: "planned" | "started";
      readonly urn: string;
      readonly operation: Operation;
      readonly diffs: readonly ShownDiff[];
      /** False if no provider checked it. */
      readonly checked: boolean;
      /** The data that the step loses. */
      readonly loss?: string;
    }
  | { readonly type: "done"; readonly urn: string; readonly operation: Operation; readonly seconds: number }
  | { readonly type: "failed"; readonly urn: string; readonly operation: Operation; readonly message: string }
  /** The stack violates a mandatory policy. */
  | { readonly type: "violation"; readonly urn: string; readonly rule: string; readonly message: string }
  | {
      readonly type: "log";
      readonly urn: string;
      readonly level: "info" | "warning" | "error";
      readonly line: string;
    };

export type Listener = (event: EngineEvent) => void;

/** The number of resources per operation. */
export type Summary = Readonly<Partial<Record<Operation, number>>>;
