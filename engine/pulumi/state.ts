import { z } from "zod";
import type { StackOutput } from "../engine.ts";
import { isObject, isSecret, mapValues, type Value, type Values } from "../in-process/values.ts";

/** A resource of the state as `pulumi stack export --show-secrets` prints it, as far as it is read here. */
export type KeptResource = z.infer<typeof exportSchema>["deployment"]["resources"][number];

const exportSchema = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          id: z.string().optional(),
          parent: z.string().optional(),
          provider: z.string().optional(),
          protect: z.boolean().default(false),
          inputs: z.record(z.string(), z.unknown()).default({}),
          outputs: z.record(z.string(), z.unknown()).default({}),
        }),
      )
      .default([]),
  }),
});

/** The resources of an exported state, in the order in which they came to exist. */
export function resourcesOf(exported: unknown): readonly KeptResource[] {
  return exportSchema.parse(exported).deployment.resources;
}

/** The outputs of the stack, as `pulumi stack output` has them; an output with a secret inside it is no secret itself. */
export function outputsOf(resources: readonly KeptResource[]): Readonly<Record<string, StackOutput>> {
  const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  return Object.fromEntries(
    Object.entries((stack?.outputs ?? {}) as Values).map(([name, value]) => [
      name,
      { value: opened(value), secret: isSecret(value) },
    ]),
  );
}

/** The value with all its secrets readable. In an export a secret's value is JSON in a text. */
function opened(value: Value): Value {
  if (isSecret(value)) return opened(JSON.parse(z.string().parse(value.plaintext)) as Value);
  if (Array.isArray(value)) return value.map(opened);
  return isObject(value) ? mapValues(value, opened) : value;
}
