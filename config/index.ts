export { UserError, type UserErrorOptions } from "./errors.ts";
export { ClusterFileError, formatProblem, type Problem } from "./problem.ts";
export {
  loadClusterFile,
  parseClusterText,
  readText,
  renderTemplate,
  type LoadedClusterFile,
  type LoadOptions,
  type RenderedTemplate,
  type TextOptions,
} from "./load.ts";
export { clusterFileJsonSchema } from "./json-schema.ts";
export type { ClusterFile, HostBudgetConfig } from "./schema/cluster-file.ts";
export { deriveSite } from "./derive.ts";
export { macAddress } from "./naming.ts";
export { nearest, suggestion } from "./suggest.ts";
export type * from "./site.ts";
