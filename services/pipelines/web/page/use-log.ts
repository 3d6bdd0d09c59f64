import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { logPieceSchema, type LogLine, type LogPiece } from "../view.ts";
import { get, runPath } from "./api.ts";
import { TerminalText, type Span } from "./terminal-text.ts";
import { useVisible } from "./use-visible.ts";

/** A displayed line. */
export interface ShownLine {
  readonly timestamp: string;
  readonly isError: boolean;
  readonly spans: readonly Span[];
  /** Its text in lower case, for the search. */
  readonly text: string;
}

/** The received part of a step's log. */
export interface Log {
  readonly lines: readonly ShownLine[];
  /** Offset of the first line in the file; 0 is the beginning. Undefined if there is no log yet. */
  readonly from: number | undefined;
  /** Whether the log is complete. */
  readonly isWhole: boolean;
  readonly loadEarlier: () => Promise<void>;
}

// As much as a browser can search without a pause.
const MOST_LINES = 200_000;

interface Kept {
  readonly pieces: readonly { readonly from: number; readonly lines: readonly ShownLine[] }[];
  readonly isWhole: boolean;
}

const NOTHING: Kept = { pieces: [], isWhole: false };

/** Follows the log of a step. */
export function useLog(runId: string, stepId: string): Log {
  const [kept, setKept] = useState(NOTHING);
  const isVisible = useVisible();
  const step = `?step=${encodeURIComponent(stepId)}`;
  useEffect(() => {
    if (!isVisible) return undefined;
    const events = new EventSource(runPath(runId, `/log/live${step}`));
    let style = styles();
    const on = (name: string, take: (piece: LogPiece) => void): void => {
      events.addEventListener(name, (event) => {
        take(logPieceSchema.parse(JSON.parse(String(event.data))));
      });
    };
    on("begin", ({ from }) => {
      style = styles();
      setKept({ pieces: [{ from, lines: [] }], isWhole: false });
    });
    on("lines", ({ from, lines }) => {
      const shown = lines.map(style);
      setKept(({ pieces, isWhole }) => ({ pieces: within([...pieces, { from, lines: shown }]), isWhole }));
    });
    events.addEventListener("end", () => {
      events.close();
      setKept(({ pieces }) => ({ pieces, isWhole: true }));
    });
    return () => {
      events.close();
    };
  }, [runId, step, isVisible]);

  const from = kept.pieces[0]?.from;
  const isLoading = useRef(false);
  const loadEarlier = useCallback(async () => {
    if (from === undefined || from === 0 || isLoading.current) return;
    isLoading.current = true;
    try {
      const piece = await get(runPath(runId, `/log${step}&before=${from}`), logPieceSchema);
      const earlier = { from: piece.from, lines: piece.lines.map(styles()) };
      setKept(({ pieces, isWhole }) => ({ pieces: [earlier, ...pieces], isWhole }));
    } finally {
      isLoading.current = false;
    }
  }, [runId, step, from]);
  const lines = useMemo(() => kept.pieces.flatMap((piece) => piece.lines), [kept.pieces]);
  return {
    lines,
    from,
    isWhole: kept.isWhole,
    loadEarlier,
  };
}

/** Drops the oldest pieces of a log that is too long. */
function within(pieces: Kept["pieces"]): Kept["pieces"] {
  let count = pieces.reduce((sum, { lines }) => sum + lines.length, 0);
  let first = 0;
  while (count > MOST_LINES && first < pieces.length - 1) {
    count -= pieces[first]?.lines.length ?? 0;
    first += 1;
  }
  return pieces.slice(first);
}

/** Each stream has its own colours. */
function styles(): (line: LogLine) => ShownLine {
  const terminals = { out: new TerminalText(), error: new TerminalText() };
  return ({ timestamp, stream, message }) => {
    const isError = stream === "stderr";
    const spans = terminals[isError ? "error" : "out"].line(message);
    const text = spans
      .map((span) => span.text)
      .join("")
      .toLowerCase();
    return { timestamp, isError, spans, text };
  };
}
