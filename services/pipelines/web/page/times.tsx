import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState, type CSSProperties, type KeyboardEvent, type ReactNode } from "react";
import { isOver, type RunHead, type StepView } from "../view.ts";
import { StateIcon } from "./states.tsx";
import { duration, useNow } from "./time.tsx";

const ROW = 30;

interface TimesProps {
  readonly head: RunHead;
  readonly steps: readonly StepView[];
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

/** Bars that show when each step waited and ran; arrow keys move between them. */
export function Times({ head, steps, chosen, onChoose }: TimesProps): ReactNode {
  const now = useNow();
  const box = useRef<HTMLDivElement>(null);
  const [moved, setMoved] = useState<string>();
  const rows = [...steps].sort((a, b) => (a.scheduledAt ?? Infinity) - (b.scheduledAt ?? Infinity) || 0);
  const cursor = moved ?? (chosen === "" ? rows[0]?.id : chosen);
  const begin = head.startedAt ?? rows[0]?.scheduledAt ?? now;
  const span = Math.max(1, (head.endedAt ?? Math.max(now, begin)) - begin);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
    const at = rows.findIndex(({ id }) => id === cursor);
    if (step === undefined || at === -1) return;
    event.preventDefault();
    const next = Math.min(rows.length - 1, Math.max(0, at + step));
    virtual.scrollToIndex(next);
    setMoved(rows[next]?.id);
    requestAnimationFrame(() => {
      box.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus({ preventScroll: true });
    });
  };
  return (
    <section className="times" aria-label="Steps by time">
      <div className="axis" aria-hidden="true">
        {ticks(span).map((at) => (
          <span key={at} style={{ "--at": at / span } as CSSProperties}>
            {at === 0 ? "0" : duration(at).replace(".0 ", " ")}
          </span>
        ))}
      </div>
      <div className="rows" ref={box} onKeyDown={onKeyDown}>
        <div style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const step = rows[index];
            return (
              step !== undefined && (
                <Row
                  key={step.id}
                  {...{ step, index, begin, span, now }}
                  top={start}
                  isChosen={step.id === chosen}
                  isCursor={step.id === cursor}
                  onChoose={onChoose}
                />
              )
            );
          })}
        </div>
      </div>
    </section>
  );
}

interface RowProps {
  readonly step: StepView;
  readonly index: number;
  readonly top: number;
  readonly begin: number;
  readonly span: number;
  readonly now: number;
  readonly isChosen: boolean;
  readonly isCursor: boolean;
  readonly onChoose: (id: string) => void;
}

function Row({ step, index, top, begin, span, now, isChosen, isCursor, onChoose }: RowProps): ReactNode {
  const { id, name, state, scheduledAt, startedAt, endedAt, attempt } = step;
  const end = endedAt ?? (isOver(state) ? (startedAt ?? begin) : now);
  const bar = (from: number, to: number): CSSProperties =>
    ({ "--at": (from - begin) / span, "--long": Math.max(0, to - from) / span }) as CSSProperties;
  return (
    <button
      type="button"
      className="row"
      data-step={id}
      data-index={index}
      data-state={state}
      tabIndex={isCursor ? 0 : -1}
      aria-pressed={isChosen}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => {
        onChoose(id);
      }}
    >
      <StateIcon state={state} />
      <span className="name">{name}</span>
      <span className="lane">
        {scheduledAt !== null && (
          <span
            className={attempt > 1 ? "bar before tries" : "bar before"}
            style={bar(scheduledAt, startedAt ?? end)}
          />
        )}
        {startedAt !== null && <span className="bar" style={bar(startedAt, end)} />}
      </span>
      <span className="long">{startedAt !== null && duration(end - startedAt)}</span>
    </button>
  );
}

/** Four to eight round times within a span. */
function ticks(span: number): number[] {
  const steps = [1, 2, 5].flatMap((digit) => [10, 100, 1000, 10_000].map((unit) => digit * unit));
  const round = [
    ...steps,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    7_200_000,
  ];
  const step = round.sort((a, b) => a - b).find((each) => span / each <= 8) ?? 14_400_000;
  return Array.from({ length: Math.floor((span * 0.97) / step) + 1 }, (_, index) => index * step).slice(
    0,
    12,
  );
}
