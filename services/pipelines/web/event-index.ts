import { EVENTS_FILE } from "../logs/paths.ts";
import { parseEvent, type LogEvent } from "../logs/read.ts";
import { openLog } from "./log-files.ts";
import { readLines } from "./log-lines.ts";

/** A run in the log folder. */
export interface IndexedRun {
  readonly workflowId: string;
  readonly runId: string;
  /** Time of its first event, RFC 3339. */
  readonly first: string;
  readonly last: string;
  /** The first event of each step, in the order of their starts. */
  readonly begun: ReadonlyMap<string, LogEvent>;
  /** The last event of each step. */
  readonly latest: ReadonlyMap<string, LogEvent>;
}

interface GrowingRun extends IndexedRun {
  last: string;
  readonly begun: Map<string, LogEvent>;
  readonly latest: Map<string, LogEvent>;
}

/** The events of a log folder by run. Each update reads only new events. */
export class EventIndex {
  readonly #directory: string;
  readonly #runs = new Map<string, GrowingRun>();
  #offset = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async runs(): Promise<readonly IndexedRun[]> {
    await this.#refresh();
    return [...this.#runs.values()];
  }

  async run(runId: string): Promise<IndexedRun | undefined> {
    await this.#refresh();
    return this.#runs.get(runId);
  }

  #refresh(): Promise<void> {
    this.#reading = this.#reading.catch(() => undefined).then(() => this.#read());
    return this.#reading;
  }

  async #read(): Promise<void> {
    const file = await openLog(this.#directory, EVENTS_FILE);
    if (file === undefined) return;
    try {
      const { size } = await file.stat();
      // The file was truncated or replaced.
      if (size < this.#offset) {
        this.#offset = 0;
        this.#runs.clear();
      }
      for await (const { lines, end } of readLines(file, this.#offset, size)) {
        for (const line of lines) {
          const event = parseEvent(line, {});
          if (event !== undefined) this.#take(event);
        }
        this.#offset = end;
      }
    } finally {
      await file.close();
    }
  }

  #take(event: LogEvent): void {
    const { workflowId, runId, timestamp, stepId, status } = event;
    let run = this.#runs.get(runId);
    if (run === undefined) {
      run = { workflowId, runId, first: timestamp, last: timestamp, begun: new Map(), latest: new Map() };
      this.#runs.set(runId, run);
    }
    if (timestamp > run.last) run.last = timestamp;
    if (status === "step_started" || !run.begun.has(stepId)) run.begun.set(stepId, event);
    run.latest.set(stepId, event);
  }
}
