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

/** One input that differs, as a person may see it: secrets hidden. */
export interface ShownDiff {
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
  readonly was?: string;
  readonly is?: string;
  /** True when this difference replaces the resource. */
  readonly replaces: boolean;
}

/** What ends with a resource that is replaced or deleted, as a sentence; undefined where it can be made again. */
export function lossOf(type: string, inputs: Readonly<Record<string, unknown>>): string | undefined {
  return type === "libvirt:index:Volume" && inputs.keep === true ? "its disk is lost" : undefined;
}

/** What an engine tells while it works; a display, a log or a test listens. */
export type EngineEvent =
  /** The program registered a resource; an empty parent is the stack itself. */
  | { readonly type: "registered"; readonly urn: string; readonly parent: string }
  /** A preview's step, or a difference that a refresh found; or a step that begins. */
  | {
      readonly type: "planned" | "started";
      readonly urn: string;
      readonly operation: Operation;
      readonly diffs: readonly ShownDiff[];
      /** False where its provider did not look at it. */
      readonly checked: boolean;
      /** What nothing brings back. */
      readonly loss?: string;
    }
  | { readonly type: "done"; readonly urn: string; readonly operation: Operation; readonly seconds: number }
  | { readonly type: "failed"; readonly urn: string; readonly operation: Operation; readonly message: string }
  /** A mandatory policy that the stack is against. */
  | { readonly type: "violation"; readonly urn: string; readonly rule: string; readonly message: string }
  | {
      readonly type: "log";
      readonly urn: string;
      readonly level: "info" | "warning" | "error";
      readonly line: string;
    };

export type Listener = (event: EngineEvent) => void;

/** How often each operation was done. */
export type Summary = Readonly<Partial<Record<Operation, number>>>;
