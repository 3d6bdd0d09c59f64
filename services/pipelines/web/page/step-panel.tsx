import { useEffect, useRef, useState, type ReactNode } from "react";
import type { About, StepView } from "../view.ts";
import { LogView } from "./log-view.tsx";
import { StateBadge } from "./states.tsx";
import { clock, Elapsed } from "./time.tsx";

interface StepPanelProps {
  readonly runId: string;
  readonly step: StepView;
  readonly about: About | undefined;
  readonly onClose: () => void;
}

/** One step: its state, the reason, and its output. Escape closes it. */
export function StepPanel({ runId, step, about, onClose }: StepPanelProps): ReactNode {
  const [isTall, setTall] = useState(false);
  const panel = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, []);
  const { name, state, reason, attempt, attempts, queue, worker, exitCode, startedAt, endedAt } = step;
  return (
    <section
      ref={panel}
      className={isTall ? "panel tall" : "panel"}
      aria-labelledby="step-title"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id="step-title" ref={heading} tabIndex={-1}>
          {name}
        </h2>
        <StateBadge state={state} />
        <dl>
          <Fact name="Type">{step.type}</Fact>
          {attempt > 0 && (
            <Fact name="Try">
              {attempt}
              {attempts > 0 && ` of ${attempts}`}
            </Fact>
          )}
          {exitCode !== null && <Fact name="Exit code">{exitCode}</Fact>}
          {startedAt !== null && <Fact name="Began">{clock(startedAt)}</Fact>}
          {startedAt !== null && (endedAt !== null || state === "running") && (
            <Fact name="Took">
              <Elapsed from={startedAt} to={endedAt} />
            </Fact>
          )}
          <Fact name="Queue">{queue}</Fact>
          <Fact name="Worker">{worker}</Fact>
          <Fact name="Progress">{step.progress}</Fact>
        </dl>
        <span className="space" />
        <button
          type="button"
          aria-pressed={isTall}
          onClick={() => {
            setTall(!isTall);
          }}
        >
          {isTall ? "Smaller" : "Larger"}
        </button>
        <button type="button" aria-label="Close the step" onClick={onClose}>
          ✕
        </button>
      </header>
      {reason !== "" && <p className={state === "skipped" ? "reason" : "reason bad"}>{reason}</p>}
      <LogView runId={runId} step={step} logDirectory={about?.logDirectory ?? ""} />
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactNode {
  if (children === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
