import type { Operation } from "../events.ts";
import type { Described, PlannedResource } from "../plan.ts";
import { visible } from "../visible.ts";
import { violationsOf } from "./policies.ts";
import type { ResourceState } from "./state.ts";
import { nameOf, STACK_TYPE } from "./urn.ts";

/** What a preview made of a state, as programs read it; `operations` are those that it told of. */
export function describe(
  before: readonly ResourceState[],
  after: readonly ResourceState[],
  operations: ReadonlyMap<string, Operation>,
  root: string,
): Described {
  const was = new Set(before.map(({ urn }) => urn));
  const stays = new Set(after.map(({ urn }) => urn));
  const gone = before.filter(({ urn }) => !stays.has(urn));
  const planned = (resource: ResourceState, operation: Operation): PlannedResource => ({
    urn: resource.urn,
    type: resource.type,
    name: nameOf(resource.urn),
    ...(resource.parent !== undefined && { parent: resource.parent }),
    component: !resource.custom,
    operation,
    protect: resource.protect === true,
    inputs: visible(resource.inputs, root),
  });
  return {
    resources: [
      ...after.map((each) =>
        planned(each, operations.get(each.urn) ?? (was.has(each.urn) ? "same" : "create")),
      ),
      ...gone.map((each) => planned(each, "delete")),
    ],
    outputs: visible(after.find(({ type }) => type === STACK_TYPE)?.outputs ?? {}, root),
    violations: violationsOf(after),
  };
}
