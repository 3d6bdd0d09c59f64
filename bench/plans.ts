import { readPlan, type Plan } from "../services/pipelines/plan/index.ts";

export const shapes = ["wide", "deep", "diamond"] as const;
/** All steps at once; a chain; or one step, then all but two at once, then one. */
export type Shape = (typeof shapes)[number];

/** A plan of steps that run `true`. */
export function planOf(shape: Shape, count: number, logDir: string): Plan {
  const name = (index: number): string => `s${index}`;
  const dependencies = (index: number): string[] => {
    if (index === 0 || shape === "wide") return [];
    if (shape === "deep") return [name(index - 1)];
    if (index < count - 1) return [name(0)];
    return Array.from({ length: count - 2 }, (_, each) => name(each + 1));
  };
  const steps = Array.from({ length: count }, (_, index) => ({
    id: name(index),
    type: "command",
    command: "true",
    depends_on: dependencies(index),
  }));
  return readPlan(JSON.stringify({ log_dir: logDir, steps })).plan;
}
