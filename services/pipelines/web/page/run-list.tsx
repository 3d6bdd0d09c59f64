import { useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import type { RunSummary } from "../view.ts";
import { hrefOf, type Place } from "./place.ts";
import { StateIcon } from "./states.tsx";
import { Ago, Elapsed } from "./time.tsx";

/** Runs, newest first; arrow keys move between them. */
export function RunList({
  runs,
  place,
}: {
  readonly runs: readonly RunSummary[] | undefined;
  readonly place: Place;
}): ReactNode {
  const [wanted, setWanted] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const shown = (runs ?? [])
    .filter(({ workflowId, runId }) => `${workflowId} ${runId}`.toLowerCase().includes(wanted.toLowerCase()))
    .sort((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0));
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const links = [...(list.current?.querySelectorAll("a") ?? [])];
    const at = links.findIndex((link) => link === document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
    event.preventDefault();
  };
  return (
    <nav className="runs" aria-label="Runs">
      <header>
        <span className="logo" aria-hidden="true" />
        <span className="title">Pipelines</span>
        <span className="count">{runs === undefined ? "" : shown.length}</span>
      </header>
      <input
        type="search"
        placeholder="Find a run"
        aria-label="Find a run"
        value={wanted}
        onChange={(event) => {
          setWanted(event.target.value);
        }}
        onKeyDown={onKeyDown}
      />
      <ul ref={list} onKeyDown={onKeyDown}>
        {shown.map((run) => (
          <li key={run.runId}>
            <RunLink run={run} place={place} />
          </li>
        ))}
      </ul>
      <footer>
        <kbd>Tab</kbd> and <kbd>↑↓←→</kbd> go everywhere
      </footer>
    </nav>
  );
}

function RunLink({ run, place }: { readonly run: RunSummary; readonly place: Place }): ReactNode {
  const { runId, workflowId, state, startedAt, endedAt, progress } = run;
  const [done = 0, total = 0] = progress.split("/").map(Number);
  return (
    <a
      href={hrefOf({ run: runId, step: "", view: place.view })}
      aria-current={runId === place.run ? "page" : undefined}
    >
      <StateIcon state={state} />
      <span className="name" title={workflowId}>
        {workflowId}
      </span>
      <span className="when">{startedAt !== null && <Ago at={startedAt} />}</span>
      <span className="detail">
        {done} of {total} steps
        {startedAt !== null && (endedAt !== null || state === "running") && (
          <>
            {" · "}
            <Elapsed from={startedAt} to={endedAt} />
          </>
        )}
      </span>
      <progress data-state={state} max={Math.max(1, total)} value={done} aria-hidden="true" />
    </a>
  );
}
