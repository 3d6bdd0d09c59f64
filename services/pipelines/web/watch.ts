import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@temporalio/client";
import { RunHistory } from "./history.ts";
import type { Change } from "./view.ts";

const DESCRIBE_MILLISECONDS = 1000;
const RETRY_MILLISECONDS = 1000;
const LONG_POLL_MILLISECONDS = 60_000;

/** Identifies a run and its Temporal. */
export interface Execution {
  readonly workflowId: string;
  readonly runId: string;
}

/** Follows a run's Temporal history until the run ends, or until no reader is left. */
export class Watch {
  /** Time of the last request for it. */
  asked = Date.now();
  readonly execution: Execution;
  readonly #client: Client;
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();
  #history: RunHistory;
  #listeners = 0;
  #isComplete = false;
  readonly #complete: Promise<void>;
  #resolveComplete: () => void = () => undefined;

  constructor(client: Client, execution: Execution) {
    this.#client = client;
    this.execution = execution;
    this.#history = new RunHistory(execution.workflowId, execution.runId);
    this.#complete = new Promise((resolve) => (this.#resolveComplete = resolve));
    void this.#follow();
  }

  get history(): RunHistory {
    return this.#history;
  }

  get isIdle(): boolean {
    return this.#listeners === 0;
  }

  /** Waits, with a time limit, until the current history was read; returns whether it was. */
  async complete(patience: number): Promise<boolean> {
    await Promise.race([this.#complete, sleep(patience, undefined, { ref: false })]);
    return this.#isComplete;
  }

  /** Yields the whole run, then its changes, until it ends or the signal is aborted. */
  async *changes(signal: AbortSignal, pause: number): AsyncGenerator<Change> {
    this.#listeners += 1;
    try {
      for (let seen = -1; !signal.aborted;) {
        const history = this.#history;
        if (history.version > seen && this.#isComplete) {
          const steps = history.changedSince(seen);
          const run = history.head;
          seen = history.version;
          yield { run, steps };
          if (history.isOver) return;
          // Collects the changes of hundreds of steps per second; a large graph takes longer to draw.
          await sleep(pause * Math.ceil(history.size / 500), undefined, { signal }).catch(() => undefined);
        } else await this.#next(signal);
      }
    } finally {
      this.#listeners -= 1;
      this.asked = Date.now();
    }
  }

  close(): void {
    this.#abort.abort();
    this.#wake();
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener("abort", done);
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  get #isOver(): boolean {
    return this.#abort.signal.aborted || this.#history.isOver;
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      try {
        await Promise.all([this.#events(), this.#pending()]);
      } catch {
        // Temporal does not answer. Its history may be another one later, so start from its beginning.
        await sleep(RETRY_MILLISECONDS, undefined, { ref: false });
        const { workflowId, runId } = this.execution;
        this.#isComplete = false;
        this.#history = new RunHistory(workflowId, runId, this.#history.version);
      }
    }
    this.#wake();
  }

  /** Reads the history and waits for new events. */
  async #events(): Promise<void> {
    const history = this.#history;
    const there = await this.#describe();
    let token: Uint8Array | undefined;
    for (let read = 0; !this.#isOver && history === this.#history;) {
      const response = await this.#call(LONG_POLL_MILLISECONDS, () =>
        this.#client.workflowService.getWorkflowExecutionHistory({
          namespace: this.#client.options.namespace,
          execution: this.execution,
          waitNewEvent: true,
          ...(token !== undefined && { nextPageToken: token }),
        }),
      );
      const events = response.history?.events ?? [];
      history.add(events);
      if (read === 0 && history.continues !== undefined)
        history.inherit(await this.#whole(history.continues));
      read += events.length;
      if (read >= there && !this.#isComplete) {
        await this.#describe();
        this.#isComplete = true;
        this.#resolveComplete();
      }
      this.#wake();
      token = response.nextPageToken;
      // Without this token the next request would return the whole history.
      if (token.length === 0) break;
    }
    if (!this.#isOver) throw new Error("the history ended and the run did not");
  }

  /** The history of an ended run, with those of the runs that it continues. */
  async #whole(runId: string): Promise<RunHistory> {
    const { workflowId } = this.execution;
    const history = new RunHistory(workflowId, runId);
    for (let token: Uint8Array | undefined; token === undefined || token.length > 0;) {
      const response = await this.#call(LONG_POLL_MILLISECONDS, () =>
        this.#client.workflowService.getWorkflowExecutionHistory({
          namespace: this.#client.options.namespace,
          execution: { workflowId, runId },
          ...(token !== undefined && { nextPageToken: token }),
        }),
      );
      history.add(response.history?.events ?? []);
      token = response.nextPageToken;
    }
    if (history.continues !== undefined) history.inherit(await this.#whole(history.continues));
    return history;
  }

  /** Asks Temporal for running steps, at least once a second. */
  async #pending(): Promise<void> {
    const history = this.#history;
    await this.#complete;
    while (!this.#isOver && history === this.#history) {
      await this.#next(AbortSignal.timeout(DESCRIBE_MILLISECONDS));
      await sleep(DESCRIBE_MILLISECONDS / 5, undefined, { ref: false });
      const { version } = history;
      await this.#describe();
      if (history.version > version) this.#wake();
    }
  }

  /** Returns the number of events in the history. */
  async #describe(): Promise<number> {
    if (this.#isOver) return 0;
    const history = this.#history;
    const { pendingActivities, workflowExecutionInfo } = await this.#call(10_000, () =>
      this.#client.workflowService.describeWorkflowExecution({
        namespace: this.#client.options.namespace,
        execution: this.execution,
      }),
    );
    history.addPending(pendingActivities);
    return workflowExecutionInfo?.historyLength?.toNumber() ?? 0;
  }

  #call<Result>(milliseconds: number, call: () => Promise<Result>): Promise<Result> {
    return this.#client.withAbortSignal(this.#abort.signal, () =>
      this.#client.withDeadline(Date.now() + milliseconds, call),
    );
  }
}
