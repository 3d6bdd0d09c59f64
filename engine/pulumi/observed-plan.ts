import { readFile } from "node:fs/promises";
import type { EngineEvent, StepEventStateMetadata } from "@pulumi/pulumi/automation/events.js";
import { z } from "zod";
import { isProvider } from "../../wire/urn.ts";
import { isObject, mapValues, type Values } from "../../wire/values.ts";
import type { ResourcePlan } from "../engine.ts";
import { operationOf } from "./events.ts";
import { marked } from "./state.ts";

// The part of a plan of `--save-plan` that is used here.
const savedSchema = z.object({
  resourcePlans: z.record(
    z.string(),
    z.object({
      goal: z
        .object({ dependencies: z.array(z.string()).nullish(), deletedWith: z.string().nullish() })
        .nullish(),
    }),
  ),
});

/** Collects the planned resources from the events of a preview of Pulumi's engine. */
export class ObservedPlan {
  readonly #resources = new Map<string, ResourcePlan>();

  readonly observe = (event: EngineEvent): void => {
    const metadata = (event.resourcePreEvent ?? event.resOutputsEvent)?.metadata;
    if (metadata === undefined) return;
    const { urn, type, op } = metadata;
    const state = metadata.new ?? metadata.old;
    const operation = operationOf(op);
    if (state === undefined || operation === undefined || operation === "refresh") return;
    const known = this.#resources.get(urn);
    // A replacement has several steps. The deleting one has no new values.
    const replaces = known?.operation === "replace";
    if (replaces && metadata.new === undefined) return;
    this.#resources.set(urn, {
      urn,
      type,
      ...(state.id !== "" && { id: state.id }),
      ...(state.parent !== "" && { parent: state.parent }),
      ...(state.provider !== "" && { provider: state.provider }),
      component: state.custom !== true,
      protect: state.protect === true,
      dependencies: [],
      inputs: valuesOf(state, "inputs"),
      outputs: valuesOf(state, "outputs"),
      operation: replaces ? "replace" : operation,
      checked: true,
    });
  };

  /** The resources; `file` is the saved plan, which has their dependencies. */
  async resources(file: string): Promise<ResourcePlan[]> {
    const { resourcePlans } = savedSchema.parse(JSON.parse(await readFile(file, "utf8")));
    // Only default providers, which the program does not create, have no parent.
    const registered = [...this.#resources.values()].filter(
      ({ type, parent }) => !isProvider(type) || parent !== undefined,
    );
    return registered.map((resource) => {
      const { dependencies, deletedWith } = resourcePlans[resource.urn]?.goal ?? {};
      return { ...resource, dependencies: dependencies ?? [], deletedWith: deletedWith ?? undefined };
    });
  }
}

function valuesOf(state: StepEventStateMetadata, key: "inputs" | "outputs"): Values {
  const values: unknown = state[key];
  return isObject(values) ? mapValues(values, marked) : {};
}
