import { proxyActivities } from "@temporalio/workflow";
import type { Shape } from "../plans.ts";
import type * as activities from "../../services/pipelines/activities/index.ts";

export interface BareInput {
  readonly shape: Shape;
  readonly steps: number;
  readonly logDir: string;
}

/** The steps of a pipeline as a few lines of Temporal's own: no schedule, no outcomes, no states to ask for. */
export async function Bare({ shape, steps, logDir }: BareInput): Promise<void> {
  const run = (index: number): Promise<unknown> => {
    const { RunCommand } = proxyActivities<typeof activities>({
      activityId: `s${index}`,
      startToCloseTimeout: "2 h",
      heartbeatTimeout: "30 s",
    });
    const name = `s${index}`;
    return RunCommand({
      stepId: name,
      stepName: name,
      logDir,
      env: {},
      action: { command: "true", args: [] },
    });
  };
  const all = Array.from({ length: steps }, (_, index) => index);
  switch (shape) {
    case "wide":
      await Promise.all(all.map(run));
      return;
    case "deep":
      for (const index of all) await run(index);
      return;
    case "diamond":
      await run(0);
      await Promise.all(all.slice(1, -1).map(run));
      await run(steps - 1);
  }
}
