import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { nameOf, STACK_TYPE } from "../in-process/urn.ts";
import type { Values } from "../in-process/values.ts";
import type { Described, PlannedResource } from "../plan.ts";
import { visible } from "../visible.ts";
import { operationOf } from "./events.ts";

// The engine has hidden secrets by the time that it tells of a resource.
const valuesSchema = z.custom<Values>((value) => typeof value === "object").default({});

/** Makes a plan of what Pulumi's engine tells during a preview. */
export class Description {
  readonly #root: string;
  readonly #resources = new Map<string, PlannedResource>();
  #outputs: Values = {};

  /** `root` is the project's folder. */
  constructor(root: string) {
    this.#root = root;
  }

  readonly observe = (event: EngineEvent): void => {
    const metadata = (event.resourcePreEvent ?? event.resOutputsEvent)?.metadata;
    if (metadata === undefined) return;
    const { urn, type, op } = metadata;
    const state = metadata.new ?? metadata.old;
    const operation = operationOf(op);
    if (type === STACK_TYPE && metadata.new !== undefined)
      this.#outputs = visible(valuesSchema.parse(metadata.new.outputs), this.#root);
    if (state === undefined || operation === undefined || operation === "refresh") return;
    // Of the steps of a replacement, the one that says so counts.
    if (this.#resources.get(urn)?.operation === "replace") return;
    this.#resources.set(urn, {
      urn,
      type,
      name: nameOf(urn),
      ...(state.parent !== "" && { parent: state.parent }),
      component: state.custom !== true,
      operation,
      protect: state.protect === true,
      inputs: visible(valuesSchema.parse(state.inputs), this.#root),
    });
  };

  described(violations: Described["violations"]): Described {
    return { resources: [...this.#resources.values()], outputs: this.#outputs, violations };
  }
}
