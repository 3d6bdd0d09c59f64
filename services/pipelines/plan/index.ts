export { readCommandList } from "./command-list.ts";
export type * from "./plan.ts";
export { place, PlanError, readPlan, type PlanOptions, type ReadPlan } from "./read.ts";
