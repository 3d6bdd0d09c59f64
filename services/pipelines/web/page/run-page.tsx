import { useCallback, useDeferredValue, useEffect, useRef, useState, type ReactNode } from "react";
import { isOver, type About, type RunHead, type StepView } from "../view.ts";
import { post, runPath } from "./api.ts";
import { Graph } from "./graph.tsx";
import { goTo, hrefOf, type Place, type View } from "./place.ts";
import { StateBadge, StateIcon, wordOf } from "./states.tsx";
import { StepPanel } from "./step-panel.tsx";
import { clock, Elapsed } from "./time.tsx";
import { Times } from "./times.tsx";
import { useRun } from "./use-run.ts";

const VIEWS: readonly (readonly [View, string])[] = [
  ["graph", "Graph"],
  ["times", "Times"],
];

const NO_STEPS: readonly StepView[] = [];

/** One run: its head, its steps as a picture, and the chosen step. */
export function RunPage({
  place,
  about,
}: {
  readonly place: Place;
  readonly about: About | undefined;
}): ReactNode {
  const run = useRun(place.run);
  // Input has priority over drawing the picture.
  const drawn = useDeferredValue(typeof run === "object" ? run.steps : NO_STEPS);
  const { run: runId, view } = place;
  const select = useCallback(
    (step: string) => {
      goTo({ run: runId, step, view });
    },
    [runId, view],
  );
  const close = useCallback(() => {
    const { step } = place;
    select("");
    // Closing the panel returns the keyboard's focus.
    requestAnimationFrame(() => {
      document.querySelector<HTMLElement>(`[data-step="${CSS.escape(step)}"]`)?.focus();
    });
  }, [select, place]);
  if (run === undefined) return <div className="empty" aria-busy="true" />;
  if (run === "missing")
    return (
      <div className="empty">
        <h1>There is no such run</h1>
        <p>Temporal forgets runs after a while, and this server&apos;s logs do not have it either.</p>
      </div>
    );
  const { head, steps } = run;
  const chosen = steps.find(({ id }) => id === place.step);
  return (
    <div className="run">
      <Head head={head} steps={steps} place={place} />
      <News steps={steps} head={head} />
      <div className="picture">
        {place.view === "graph" ? (
          <Graph steps={drawn} chosen={place.step} onChoose={select} />
        ) : (
          <Times head={head} steps={drawn} chosen={place.step} onChoose={select} />
        )}
      </div>
      {chosen !== undefined && (
        <StepPanel key={chosen.id} runId={runId} step={chosen} about={about} onClose={close} />
      )}
    </div>
  );
}

function Head({
  head,
  steps,
  place,
}: {
  readonly head: RunHead;
  readonly steps: readonly StepView[];
  readonly place: Place;
}): ReactNode {
  const counts = Map.groupBy(steps, ({ state }) => state);
  const shown = (
    ["success", "running", "retrying", "queued", "failed", "skipped", "cancelled", "waiting"] as const
  )
    .map((state) => [state, counts.get(state)?.length ?? 0] as const)
    .filter(([, count]) => count > 0);
  const failed = steps.find(({ id }) => head.failure.startsWith(`step ${id}: `));
  return (
    <header className="head">
      <div className="line">
        <h1 title={head.runId}>{head.workflowId}</h1>
        <StateBadge state={head.state} />
        {head.startedAt !== null && (
          <span className="meta">
            {clock(head.startedAt)} · <Elapsed from={head.startedAt} to={head.endedAt} />
          </span>
        )}
        <span className="space" />
        <div className="views" role="group" aria-label="View">
          {VIEWS.map(([view, label]) => (
            <a
              key={view}
              href={hrefOf({ ...place, view })}
              aria-current={place.view === view ? "true" : undefined}
            >
              {label}
            </a>
          ))}
        </div>
        {(head.state === "running" || head.state === "cancelling") && <Cancel head={head} />}
      </div>
      <ul className="counts" aria-label="Steps by state">
        {shown.map(([state, count]) => (
          <li key={state} data-state={state}>
            <StateIcon state={state} isSaid />
            <b>{count}</b> {wordOf(state)}
          </li>
        ))}
      </ul>
      {head.failure !== "" && (
        <p className="failure">
          <StateIcon state="failed" />
          <span>{head.failure}</span>
          {failed !== undefined && <a href={hrefOf({ ...place, step: failed.id })}>Show its log</a>}
        </p>
      )}
    </header>
  );
}

/** Asks before it cancels. */
function Cancel({ head }: { readonly head: RunHead }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState("");
  const cancel = async (): Promise<void> => {
    try {
      await post(runPath(head.runId, "/cancel"));
      dialog.current?.close();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <button
        type="button"
        className="danger"
        disabled={head.state === "cancelling"}
        onClick={() => dialog.current?.showModal()}
      >
        Cancel
      </button>
      <dialog ref={dialog} aria-labelledby="cancel-title">
        <h2 id="cancel-title">Cancel this pipeline?</h2>
        <p>
          Steps of <b>{head.workflowId}</b> that run are stopped, and nothing new begins.
        </p>
        {problem !== "" && (
          <p role="alert" className="bad">
            {problem}
          </p>
        )}
        <div className="buttons">
          <button type="button" autoFocus onClick={() => dialog.current?.close()}>
            Keep it running
          </button>
          <button type="button" className="danger filled" onClick={() => void cancel()}>
            Cancel the pipeline
          </button>
        </div>
      </dialog>
    </>
  );
}

/** Announces changes for screen readers. */
function News({ steps, head }: { readonly steps: readonly StepView[]; readonly head: RunHead }): ReactNode {
  const before = useRef<ReadonlyMap<string, StepView["state"]>>(undefined);
  const [news, setNews] = useState("");
  useEffect(() => {
    const known = before.current;
    before.current = new Map(steps.map(({ id, state }) => [id, state]));
    if (known === undefined) return;
    const ended = steps.filter(({ id, state }) => isOver(state) && known.get(id) !== state);
    // More names would take too long to listen to.
    if (ended.length > 5) setNews(`${ended.length} steps ended`);
    else if (ended.length > 0) setNews(ended.map(({ name, state }) => `${name} ${wordOf(state)}`).join(", "));
  }, [steps]);
  return (
    <p className="unseen" role="status">
      {head.endedAt === null ? news : `${news}. The pipeline ${wordOf(head.state)}.`}
    </p>
  );
}
