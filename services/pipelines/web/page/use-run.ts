import { useEffect, useState } from "react";
import { changeSchema, type RunHead, type StepView } from "../view.ts";
import { runPath } from "./api.ts";
import { useVisible } from "./use-visible.ts";

/** A run as it is now. */
export interface LiveRun {
  readonly head: RunHead;
  /** In the order of the plan; a step that did not change is the same object. */
  readonly steps: readonly StepView[];
}

/** Follows a run; undefined until it is known, `missing` where nobody knows it. */
export function useRun(runId: string): LiveRun | "missing" | undefined {
  const [run, setRun] = useState<LiveRun | "missing">();
  const isVisible = useVisible();
  useEffect(() => {
    if (!isVisible) return undefined;
    const events = new EventSource(runPath(runId, "/live"));
    events.addEventListener("change", (event) => {
      const { run: head, steps } = changeSchema.parse(JSON.parse(String(event.data)));
      setRun((before) => {
        const known = new Map(
          before === undefined || before === "missing" ? [] : before.steps.map((step) => [step.id, step]),
        );
        for (const step of steps) known.set(step.id, step);
        return { head, steps: [...known.values()] };
      });
    });
    events.addEventListener("end", () => {
      events.close();
    });
    events.addEventListener("error", () => {
      // A broken connection is opened again by the browser; one that was refused is not.
      if (events.readyState === EventSource.CLOSED) setRun((before) => before ?? "missing");
    });
    return () => {
      events.close();
    };
  }, [runId, isVisible]);
  return run;
}
