import type { ReactNode } from "react";
import type { RunHead, StepViewState } from "../view.ts";

type State = StepViewState | RunHead["state"];

const WORDS: Readonly<Record<State, string>> = {
  waiting: "waiting",
  queued: "waiting for a worker",
  running: "running",
  retrying: "waiting for another try",
  success: "succeeded",
  failed: "failed",
  skipped: "skipped",
  cancelled: "cancelled",
  cancelling: "being cancelled",
  terminated: "terminated",
  unknown: "unknown",
};

/** A state's name for people. */
export function wordOf(state: State): string {
  return WORDS[state];
}

const SHAPES: Readonly<Record<State, ReactNode>> = {
  waiting: <circle cx="8" cy="8" r="5.5" strokeDasharray="2.2 2.4" />,
  queued: <path d="M8 4.5V8l2.4 1.6M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11Z" />,
  running: <path className="turning" d="M8 2.5A5.5 5.5 0 1 1 2.5 8" />,
  retrying: <path d="M12.9 6A5.3 5.3 0 1 0 13.3 9M13.2 2.6V6H9.8" />,
  success: <path d="m3.2 8.6 3.2 3.2 6.4-7" />,
  failed: <path d="m4 4 8 8m0-8-8 8" />,
  skipped: <path d="m4 4.5 4 3.5-4 3.5m4.5-7 4 3.5-4 3.5" />,
  cancelled: <path d="M4.2 4.2l7.6 7.6M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11Z" />,
  cancelling: <path className="turning" d="M8 2.5A5.5 5.5 0 1 1 2.5 8" />,
  terminated: <path d="M4.5 4.5h7v7h-7z" />,
  unknown: <path d="M6 6.2c0-3 4.2-2.6 4.2-.2C10.200 7.800 8 7.900 8 9.600M8 12.400v.1" />,
};

/** A state as a shape, for people who cannot tell the colours apart. */
export function StateIcon({
  state,
  isSaid = false,
}: {
  readonly state: State;
  /** Whether the state's name is beside it. */
  readonly isSaid?: boolean;
}): ReactNode {
  const name = isSaid ? { "aria-hidden": true } : { role: "img", "aria-label": wordOf(state) };
  return (
    <svg className="state-icon" data-state={state} viewBox="0 0 16 16" {...name}>
      {SHAPES[state]}
    </svg>
  );
}

export function StateBadge({ state }: { readonly state: State }): ReactNode {
  return (
    <span className="badge" data-state={state}>
      <StateIcon state={state} isSaid />
      {wordOf(state)}
    </span>
  );
}
