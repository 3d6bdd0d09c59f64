import { isDeepStrictEqual } from "node:util";
import type { Plan, PlannedResource } from "../../engine/plan.ts";
import type { Violation } from "../../policy/rule.ts";
import type { Outcome } from "./stack-plans.ts";

/** A value that differs, as JSON; undefined if one side has none. */
export interface Difference {
  /** `leases[2].address` */
  readonly path: string;
  readonly was?: unknown;
  readonly is?: unknown;
}

/** What `up` would do to a resource of the base branch's stack. */
export interface Change {
  readonly kind: "added" | "changed" | "replaced" | "removed";
  readonly type: string;
  readonly name: string;
  /** False if no provider checked it. */
  readonly checked: boolean;
  readonly differences: readonly Difference[];
}

/** A stack in the base branch and in the pull request. */
export type StackComparison = { readonly stack: string } & (
  | {
      readonly kind: "compared";
      readonly changes: readonly Change[];
      readonly outputs: readonly Difference[];
      readonly violations: readonly Violation[];
      /** Why there is no base to compare with, so that everything counts as added; otherwise undefined. */
      readonly alone?: readonly string[];
    }
  | { readonly kind: "removed" }
  | { readonly kind: "not-yet" }
  | { readonly kind: "failed"; readonly lines: readonly string[] }
);

/** Names of inputs whose change replaces a resource of this type; undefined if unknown. */
export type ReplacedBy = (
  type: string,
  was: PlannedResource["inputs"],
  is: PlannedResource["inputs"],
) => Promise<readonly string[] | undefined>;

/** Compares a stack's plans in two checkouts. */
export async function compare(
  stack: string,
  base: Outcome,
  head: Outcome,
  replacedBy: ReplacedBy,
): Promise<StackComparison> {
  if (head.kind === "absent") return { stack, kind: "removed" };
  if (head.kind === "not-yet") return { stack, kind: "not-yet" };
  if (head.kind === "failed") return { stack, kind: "failed", lines: head.lines };
  const was = base.kind === "plan" ? base.plan : undefined;
  return {
    stack,
    kind: "compared",
    changes: await changesOf(resourcesOf(was), resourcesOf(head.plan), replacedBy),
    outputs: differences(was?.outputs ?? {}, head.plan.outputs),
    violations: head.plan.violations,
    ...(base.kind !== "plan" && { alone: reason(base) }),
  };
}

function reason(base: Exclude<Outcome, { kind: "plan" }>): readonly string[] {
  if (base.kind === "absent") return ["the base branch has no such stack"];
  if (base.kind === "not-yet") return ["the base branch does not build this stack yet"];
  return ["the base branch cannot be previewed:", ...base.lines];
}

/** Resources without components, which only group them. */
function resourcesOf(plan: Plan | undefined): ReadonlyMap<string, PlannedResource> {
  const resources = (plan?.resources ?? []).filter(
    ({ component, operation }) => !component && operation !== "delete",
  );
  return new Map(resources.map((resource) => [resource.urn, resource]));
}

async function changesOf(
  base: ReadonlyMap<string, PlannedResource>,
  head: ReadonlyMap<string, PlannedResource>,
  replacedBy: ReplacedBy,
): Promise<Change[]> {
  const kept = await Promise.all(
    [...head.values()].map(async ({ urn, type, name, inputs, protect, checked }): Promise<Change[]> => {
      const was = base.get(urn);
      if (was === undefined)
        return [{ kind: "added", type, name, checked, differences: differences({}, inputs) }];
      const found = [
        ...differences(was.inputs, inputs),
        ...(was.protect === protect ? [] : [{ path: "protect", was: was.protect, is: protect }]),
      ];
      if (found.length === 0) return [];
      const replaces = (await replacedBy(type, was.inputs, inputs)) ?? [];
      const kind = replaces.length > 0 ? "replaced" : "changed";
      return [{ kind, type, name, checked, differences: found }];
    }),
  );
  const removed = [...base.values()]
    .filter(({ urn }) => !head.has(urn))
    .map(({ type, name, checked }): Change => ({ kind: "removed", type, name, checked, differences: [] }));
  return [...kept.flat(), ...removed];
}

/** The differences of two values: of maps key by key, of lists item by item, of others as a whole. */
export function differences(was: unknown, is: unknown, path = ""): Difference[] {
  if (isMap(was) && isMap(is)) {
    const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    return keys.flatMap((key) => differences(was[key], is[key], path === "" ? key : `${path}.${key}`));
  }
  if (Array.isArray(was) && Array.isArray(is)) return listDifferences(was, is, path);
  if (isDeepStrictEqual(was, is)) return [];
  return [{ path, ...(was !== undefined && { was }), ...(is !== undefined && { is }) }];
}

/** Removes common items at the start and end of two lists, so that an inserted item is one difference. */
function listDifferences(was: readonly unknown[], is: readonly unknown[], path: string): Difference[] {
  const shorter = Math.min(was.length, is.length);
  let start = 0;
  while (start < shorter && isDeepStrictEqual(was[start], is[start])) start += 1;
  let end = 0;
  while (end < shorter - start && isDeepStrictEqual(was.at(-1 - end), is.at(-1 - end))) end += 1;
  const places = Array.from({ length: Math.max(was.length, is.length) - start - end }, (_, at) => start + at);
  const within = (list: readonly unknown[], place: number): unknown =>
    place < list.length - end ? list[place] : undefined;
  return places.flatMap((place) => differences(within(was, place), within(is, place), `${path}[${place}]`));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
