import { useSyncExternalStore } from "react";

export type View = "graph" | "times";

/** What the page shows. It is in the address, so that it can be linked to and survives a reload. */
export interface Place {
  readonly run: string;
  readonly step: string;
  readonly view: View;
}

/** `#run=ID&step=ID&view=times`. */
export function usePlace(): Place {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  const parameters = new URLSearchParams(hash.slice(1));
  return {
    run: parameters.get("run") ?? "",
    step: parameters.get("step") ?? "",
    view: parameters.get("view") === "times" ? "times" : "graph",
  };
}

export function hrefOf({ run, step, view }: Place): string {
  const parameters = new URLSearchParams({
    ...(run !== "" && { run }),
    ...(step !== "" && { step }),
    ...(view !== "graph" && { view }),
  });
  return `#${parameters.toString()}`;
}

export function goTo(place: Place): void {
  location.hash = hrefOf(place);
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => {
    window.removeEventListener("hashchange", onChange);
  };
}
