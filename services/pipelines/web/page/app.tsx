import { useCallback, useEffect, useState, type ReactNode } from "react";
import { aboutSchema, runListSchema, type About, type RunSummary } from "../view.ts";
import { get, post, TokenNeeded } from "./api.ts";
import { goTo, usePlace } from "./place.ts";
import { RunList } from "./run-list.tsx";
import { RunPage } from "./run-page.tsx";
import { TokenForm } from "./token-form.tsx";

const REFRESH_MILLISECONDS = 2000;

/** The page: the list of runs on the left, the chosen run on the right. */
export function App(): ReactNode {
  const [isLocked, setLocked] = useState(false);
  const [runs, setRuns] = useState<readonly RunSummary[]>();
  const [about, setAbout] = useState<About>();
  const [isAway, setAway] = useState(false);
  const place = usePlace();

  const refresh = useCallback(async (): Promise<void> => {
    try {
      await takeTokenOfAddress();
      setRuns(await get("/api/runs", runListSchema));
      setAbout(await get("/api/about", aboutSchema));
      setAway(false);
      setLocked(false);
    } catch (error) {
      if (error instanceof TokenNeeded) setLocked(true);
      else setAway(true);
    }
  }, []);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isGone = false;
    const turn = async (): Promise<void> => {
      if (!document.hidden) await refresh();
      if (!isGone) timer = setTimeout(() => void turn(), REFRESH_MILLISECONDS);
    };
    void turn();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [refresh]);

  const first = runs?.[0]?.runId;
  useEffect(() => {
    if (place.run === "" && first !== undefined && !isLocked) goTo({ ...place, run: first });
  }, [place, first, isLocked]);

  if (isLocked) return <TokenForm onOpen={() => void refresh()} />;
  return (
    <div className="frame">
      <RunList runs={runs} place={place} />
      <main>
        {isAway && (
          <p className="notice bad" role="alert">
            The page&apos;s server does not answer. What you see may be old.
          </p>
        )}
        {about?.temporal === false && (
          <p className="notice" role="status">
            Temporal does not answer at {about.address}: here is what the logs in {about.logDirectory} tell.
          </p>
        )}
        {place.run === "" ? (
          <Nothing isLoading={runs === undefined} />
        ) : (
          <RunPage key={place.run} place={place} about={about} />
        )}
      </main>
    </div>
  );
}

function Nothing({ isLoading }: { readonly isLoading: boolean }): ReactNode {
  if (isLoading) return <div className="empty" aria-busy="true" />;
  return (
    <div className="empty">
      <h1>No pipelines yet</h1>
      <p>Start one, and it shows up here:</p>
      <pre>ai-how pipeline run plan.yaml</pre>
    </div>
  );
}

/** Takes the token from the address that the command printed. */
async function takeTokenOfAddress(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  // First of all, remove it from the address bar and the history.
  history.replaceState(null, "", location.pathname);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
  await post("/api/session", { token });
}
