import { createReadStream, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { EVENTS_FILE } from "./paths.ts";

const eventSchema = z.object({
  timestamp: z.string(),
  workflowId: z.string(),
  runId: z.string(),
  stepId: z.string(),
  stepName: z.string().default(""),
  status: z.string(),
  exitCode: z.number().default(0),
  durationSec: z.number().default(0),
  stdoutPath: z.string().default(""),
  stderrPath: z.string().default(""),
  structuredPath: z.string().default(""),
  message: z.string().default(""),
});

/** A line of a log folder's events. */
export type LogEvent = z.output<typeof eventSchema>;

const POLL_MILLISECONDS = 500;

/** A filter for events. Default of each field: all. */
export interface EventFilter {
  readonly workflowId?: string | undefined;
  readonly runId?: string | undefined;
}

export function eventsFile(directory: string): string {
  return join(directory, EVENTS_FILE);
}

/** The events of a folder, oldest first. Skips invalid lines. */
export async function readEvents(directory: string, filter: EventFilter = {}): Promise<LogEvent[]> {
  const file = eventsFile(directory);
  if (!existsSync(file)) return [];
  const events: LogEvent[] = [];
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const event = parseEvent(line, filter);
    if (event !== undefined) events.push(event);
  }
  return events;
}

/** Follows a folder's events until the signal, from its end or its beginning. */
export async function* followEvents(
  directory: string,
  signal: AbortSignal,
  { fromStart = false, ...filter }: EventFilter & { fromStart?: boolean } = {},
): AsyncGenerator<LogEvent> {
  const file = eventsFile(directory);
  let offset = fromStart || !existsSync(file) ? 0 : statSync(file).size;
  let rest = "";
  while (!signal.aborted) {
    const size = existsSync(file) ? statSync(file).size : 0;
    // The file was truncated or replaced.
    if (size < offset) [offset, rest] = [0, ""];
    if (size > offset) {
      let text = rest;
      for await (const chunk of createReadStream(file, { start: offset, end: size - 1, encoding: "utf8" }))
        text += String(chunk);
      offset = size;
      const lines = text.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event = parseEvent(line, filter);
        if (event !== undefined) yield event;
      }
    }
    await sleep(POLL_MILLISECONDS, undefined, { signal }).catch(() => undefined);
  }
}

/** The event in a line; undefined if it is invalid or does not match. */
export function parseEvent(line: string, { workflowId, runId }: EventFilter): LogEvent | undefined {
  if (line.trim() === "") return undefined;
  try {
    const event = eventSchema.safeParse(JSON.parse(line)).data;
    const wanted =
      event !== undefined &&
      (workflowId === undefined || event.workflowId === workflowId) &&
      (runId === undefined || event.runId === runId);
    return wanted ? event : undefined;
  } catch {
    return undefined;
  }
}

/** A run, from its events. */
export interface LoggedRun {
  readonly workflowId: string;
  readonly runId: string;
  /** Time of its last event, RFC 3339. */
  readonly last: string;
}

/** The runs of a folder; the one with the newest event is first. */
export async function loggedRuns(directory: string): Promise<LoggedRun[]> {
  const runs = new Map<string, LoggedRun>();
  for (const { workflowId, runId, timestamp } of await readEvents(directory)) {
    const key = `${workflowId} ${runId}`;
    const last = runs.get(key)?.last ?? "";
    runs.set(key, { workflowId, runId, last: timestamp > last ? timestamp : last });
  }
  return [...runs.values()].sort((a, b) => (a.last < b.last ? 1 : -1));
}

/** The last event of each step of a run, in the order of their starts. */
export async function loggedSteps(directory: string, filter: EventFilter): Promise<LogEvent[]> {
  const steps = new Map<string, LogEvent>();
  for (const event of await readEvents(directory, filter)) steps.set(event.stepId, event);
  return [...steps.values()];
}
