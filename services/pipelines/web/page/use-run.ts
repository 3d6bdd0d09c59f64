import { useEffect, useState } from "react";
import { changeSchema, type RunHead, type StepView } from "../view.ts";
import { runPath } from "./api.ts";
import { useVisible } from "./use-visible.ts";

/** The current state of a run. */
export interface LiveRun {
  readonly head: RunHead;
  /** In the order of the plan; an unchanged step stays the same object. */
  readonly steps: readonly StepView[];
}

/** Follows a run; undefined until it is loaded, `missing` for an unknown one. */
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
      // The browser reopens a broken connection, but not a refused one.
      if (events.readyState === EventSource.CLOSED) setRun((before) => before ?? "missing");
    });
    return () => {
      events.close();
    };
  }, [runId, isVisible]);
  return run;
}
