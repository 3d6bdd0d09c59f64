import { useVirtualizer } from "@tanstack/react-virtual";
import {
  useDeferredValue,
  useEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from "react";
import { isOver, type StepView } from "../view.ts";
import { marked } from "./terminal-text.ts";
import { useLog, type ShownLine } from "./use-log.ts";

const LINE = 19;

interface LogViewProps {
  readonly runId: string;
  readonly step: StepView;
  /** The server's log folder, for the message about a missing log. */
  readonly logDirectory: string;
}

/** A step's output, live, with colours and a search. */
export function LogView({ runId, step, logDirectory }: LogViewProps): ReactNode {
  const { lines, from, isWhole, loadEarlier } = useLog(runId, step.id);
  const [wanted, setWanted] = useState("");
  const [errorsOnly, setErrorsOnly] = useState(false);
  const [isWrapped, setWrapped] = useState(false);
  const [isFollowing, setFollowing] = useState(true);
  const [current, setCurrent] = useState(0);
  const search = useRef<HTMLInputElement>(null);
  const text = useDeferredValue(wanted.toLowerCase());
  const shown = useMemo(
    () => (errorsOnly ? lines.filter(({ isError }) => isError) : lines),
    [lines, errorsOnly],
  );
  const matches = useMemo(
    () => (text === "" ? [] : shown.flatMap((line, index) => (line.text.includes(text) ? [index] : []))),
    [shown, text],
  );
  const at = matches.length === 0 ? undefined : matches[Math.min(current, matches.length - 1)];

  const go = (by: number): void => {
    if (matches.length === 0) return;
    setFollowing(false);
    setCurrent((Math.min(current, matches.length - 1) + by + matches.length) % matches.length);
  };
  const onSearchKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && wanted !== "") {
      // The first Escape ends the search, the next one closes the panel.
      event.preventDefault();
      setWanted("");
    }
  };
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement;
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      search.current?.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("keydown", onKey);
    };
  }, []);

  return (
    <div className="log">
      <div className="tools" role="toolbar" aria-label="Log">
        <input
          ref={search}
          type="search"
          placeholder="Search the log"
          aria-label="Search the log"
          aria-keyshortcuts="/"
          value={wanted}
          onChange={(event) => {
            setWanted(event.target.value);
            setCurrent(0);
            setFollowing(event.target.value === "");
          }}
          onKeyDown={onSearchKey}
        />
        <span className="found" role="status">
          {text === ""
            ? ""
            : matches.length === 0
              ? "nothing found"
              : `${Math.min(current, matches.length - 1) + 1} of ${matches.length} lines`}
        </span>
        <Step
          label="Line before"
          onClick={() => {
            go(-1);
          }}
          isOff={matches.length === 0}
        >
          ↑
        </Step>
        <Step
          label="Next line"
          onClick={() => {
            go(1);
          }}
          isOff={matches.length === 0}
        >
          ↓
        </Step>
        <span className="space" />
        <Toggle isOn={errorsOnly} onChange={setErrorsOnly}>
          Errors only
        </Toggle>
        <Toggle isOn={isWrapped} onChange={setWrapped}>
          Wrap
        </Toggle>
        <Toggle isOn={isFollowing} onChange={setFollowing}>
          Follow
        </Toggle>
      </div>
      {from === undefined || (isWhole && lines.length === 0) ? (
        <p className="nothing">{nothing(step, from, isWhole, logDirectory)}</p>
      ) : (
        <Lines
          key={isWrapped ? "wrapped" : "long"}
          {...{ lines: shown, text, at, isWrapped, isFollowing }}
          onScrollAway={setFollowing}
          before={
            from > 0 && (
              <button type="button" className="earlier" onClick={() => void loadEarlier()}>
                Show what comes before
              </button>
            )
          }
        />
      )}
    </div>
  );
}

function nothing(
  { state, worker }: StepView,
  from: number | undefined,
  isWhole: boolean,
  logDirectory: string,
): string {
  if (state === "waiting" || state === "queued") return "It has not begun.";
  if (state === "skipped") return "It did not run.";
  if (from !== undefined) return "It printed nothing.";
  if (!isOver(state)) return "Nothing yet.";
  if (!isWhole) return "";
  return `There is no log of it in ${logDirectory} on this server's host${worker === "" ? "" : `; its worker was ${worker}`}.`;
}

interface LinesProps {
  readonly lines: readonly ShownLine[];
  readonly text: string;
  /** The current match of the search. */
  readonly at: number | undefined;
  readonly isWrapped: boolean;
  readonly isFollowing: boolean;
  readonly onScrollAway: (isAtEnd: boolean) => void;
  readonly before: ReactNode;
}

function Lines({ lines, text, at, isWrapped, isFollowing, onScrollAway, before }: LinesProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE,
    overscan: 20,
  });
  useEffect(() => {
    if (at !== undefined) virtual.scrollToIndex(at, { align: "center" });
  }, [at, virtual]);
  useEffect(() => {
    if (isFollowing && lines.length > 0) virtual.scrollToIndex(lines.length - 1, { align: "end" });
  }, [isFollowing, lines.length, virtual]);
  return (
    <div
      ref={box}
      className={isWrapped ? "lines wrapped" : "lines"}
      role="log"
      aria-live="off"
      aria-label="What the step printed"
      tabIndex={0}
      onWheel={(event) => {
        if (event.deltaY < 0) onScrollAway(false);
      }}
      onKeyDown={({ key }) => {
        if (["ArrowUp", "PageUp", "Home"].includes(key)) onScrollAway(false);
        if (key === "End") onScrollAway(true);
      }}
    >
      {before}
      <div className="sheet" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const line = lines[index];
          return (
            line !== undefined && (
              <div
                key={index}
                ref={isWrapped ? virtual.measureElement : undefined}
                data-index={index}
                className={`line${line.isError ? " error" : ""}${index === at ? " at" : ""}`}
                style={{ transform: `translateY(${start}px)` }}
              >
                <time dateTime={line.timestamp}>{line.timestamp.slice(11, 23)}</time>
                <Spans line={line} text={text} />
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

function Spans({ line, text }: { readonly line: ShownLine; readonly text: string }): ReactNode {
  return (
    <code>
      {marked(line.spans, text).map(({ text: part, classes, colour, background, isFound }, index) => {
        const style = {
          ...(colour !== undefined && { color: colour }),
          ...(background !== undefined && { backgroundColor: background }),
        };
        return isFound ? (
          <mark key={index} className={classes}>
            {part}
          </mark>
        ) : (
          <span key={index} className={classes} style={style}>
            {part}
          </span>
        );
      })}
    </code>
  );
}

function Toggle({
  isOn,
  onChange,
  children,
}: {
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
  readonly children: string;
}): ReactNode {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={() => {
        onChange(!isOn);
      }}
    >
      {children}
    </button>
  );
}

function Step({
  label,
  isOff,
  onClick,
  children,
}: {
  readonly label: string;
  readonly isOff: boolean;
  readonly onClick: () => void;
  readonly children: string;
}): ReactNode {
  return (
    <button type="button" aria-label={label} disabled={isOff} onClick={onClick}>
      {children}
    </button>
  );
}
