import { z } from "zod";
import { clusterFile } from "./schema/cluster-file.ts";

/** The JSON Schema (draft 2020-12) of the cluster file. Keys with a default are optional. */
export function clusterFileJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(clusterFile, { io: "input" });
}
