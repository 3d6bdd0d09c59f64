import { z } from "zod";
import { isObject, isSecret, mapValues, secret, type Value, type Values } from "../../wire/values.ts";
import type { StackResource } from "../engine.ts";

const values = z.custom<Values>((value) => isObject(value)).default({});

// The part of `pulumi stack export --show-secrets` that is used here.
const exportSchema = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          custom: z.boolean().default(false),
          id: z.string().optional(),
          parent: z.string().optional(),
          provider: z.string().optional(),
          protect: z.boolean().default(false),
          dependencies: z.array(z.string()).default([]),
          deletedWith: z.string().optional(),
          inputs: values,
          outputs: values,
        }),
      )
      .default([]),
  }),
});

/** The resources of an exported state, in order of creation. */
export function resourcesOf(exported: unknown): StackResource[] {
  return exportSchema
    .parse(exported)
    .deployment.resources.map(({ custom, inputs, outputs, ...resource }) => ({
      ...resource,
      component: !custom,
      inputs: mapValues(inputs, marked),
      outputs: mapValues(outputs, marked),
    }));
}

/**
 * Marks secrets as the protocol does. An export has their values as JSON text; an event does not have them.
 */
export function marked(value: Value): Value {
  if (Array.isArray(value)) return value.map(marked);
  if (!isObject(value)) return value;
  if (isSecret(value) && typeof value.plaintext === "string")
    return secret(marked(JSON.parse(value.plaintext) as Value));
  if (isSecret(value)) return secret("[secret]");
  return mapValues(value, marked);
}
