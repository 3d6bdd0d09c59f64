import { useSyncExternalStore, type ReactNode } from "react";

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The current second; one timer serves the whole page. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** `950 ms`, `4.2 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** How long something took, or has taken so far. */
export function Elapsed({ from, to }: { readonly from: number; readonly to: number | null }): ReactNode {
  return to === null ? <Ticking from={from} /> : <span className="time">{duration(to - from)}</span>;
}

function Ticking({ from }: { readonly from: number }): ReactNode {
  const seconds = Math.floor(Math.max(0, useNow() - from) / 1000);
  return (
    <span className="time">
      {duration(seconds * 1000)
        .replace(".0 ", " ")
        .replace("0 ms", "0 s")}
    </span>
  );
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });

/** `2 min. ago`. */
export function Ago({ at }: { readonly at: number }): ReactNode {
  const seconds = Math.round((at - useNow()) / 1000);
  const [value, unit] =
    seconds > -60
      ? ([0, "second"] as const)
      : seconds > -3600
        ? ([seconds / 60, "minute"] as const)
        : seconds > -86_400
          ? ([seconds / 3600, "hour"] as const)
          : ([seconds / 86_400, "day"] as const);
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
      {relative.format(Math.round(value), unit)}
    </time>
  );
}

/** `14:03:07`. */
export function clock(at: number): string {
  return new Date(at).toLocaleTimeString("en-GB");
}
