import { z } from "zod";
import { clusterFile } from "./schema/cluster-file.ts";

/** The JSON Schema (draft 2020-12) of a cluster file as a user writes it: defaults may be left out. */
export function clusterFileJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(clusterFile, { io: "input" });
}
