export { readCommandList } from "./command-list.ts";
export type * from "./plan.ts";
export { PlanError, planLine, readPlan, type PlanOptions, type ReadPlan } from "./read.ts";
