import { z } from "zod";
import type { InputsOf, Problem } from "../framework/resource.ts";
import { absolutePathSchema, formatSchema, nameSchema, volumeNameSchema } from "./schemas.ts";

export const volumeSchemas = {
  /** Name of the pool. */
  pool: nameSchema,
  /** File name in the pool. */
  name: volumeNameSchema,
  /** `qcow2` by default. */
  format: formatSchema.default("qcow2"),
  /** Bytes that the machine sees; default is the size of the image below. Grows in place, shrinking replaces. */
  capacity: z.int().positive().optional(),
  /** A local image file in the same format whose content is copied in; none by default. */
  source: absolutePathSchema.optional(),
  /** SHA-256 of `source` in hexadecimal digits; another content is an error. Default: any content. */
  sourceDigest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in 64 hexadecimal digits")
    .optional(),
  /** An image on libvirt's host that is shared and never written; none by default. */
  backing: z.strictObject({ path: absolutePathSchema, format: formatSchema }).optional(),
  /** Whether it holds work: then no change replaces it, unless the engine is told to. False by default. */
  keep: z.boolean().default(false),
};

/** What a volume is made from: nothing, an image that is copied, or an image that it lies on top of. */
export type VolumeInputs = InputsOf<typeof volumeSchemas>;

/** Problems between a volume's inputs. */
export function checkVolume(inputs: VolumeInputs): Problem[] {
  const problems: Problem[] = [];
  if (inputs.source !== undefined && inputs.backing !== undefined) {
    problems.push({ property: "backing", reason: "a volume has a source or a backing file, not both" });
  }
  if (inputs.source === undefined && inputs.backing === undefined && inputs.capacity === undefined) {
    problems.push({ property: "capacity", reason: "an empty volume needs a capacity, in bytes" });
  }
  if (inputs.backing !== undefined && inputs.format !== "qcow2") {
    problems.push({ property: "format", reason: "a volume on a backing file must be qcow2" });
  }
  return problems;
}
