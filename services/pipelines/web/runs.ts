import { Client, Connection } from "@temporalio/client";
import pLimit from "p-limit";
import type { TemporalPlace } from "../connection.ts";
import { PIPELINE_WORKFLOW } from "../result.ts";
import { EventIndex, type IndexedRun } from "./event-index.ts";
import { isOver, type Change, type RunHead, type RunSummary, type StepView } from "./view.ts";
import { Watch, type Execution } from "./watch.ts";

// Largest number of runs in the list; older ones can be found by their id.
const LISTED = 200;
const KEPT_SUMMARIES = 2000;
const IDLE_MILLISECONDS = 60_000;
const PATIENCE_MILLISECONDS = 5000;
/** Shortest time between two updates of a page. */
const CHANGE_MILLISECONDS = 150;
const RUN_ID = /^[0-9a-f-]{36}$/;

// From Temporal's protocol, temporal/api/enums/v1.
const CONTINUED_AS_NEW = 6;

interface FoundExecution extends Execution {
  /** Whether another run continues it. */
  readonly isContinued: boolean;
}

export interface RunsOptions {
  readonly place: TemporalPlace;
  readonly logDirectory: string;
}

/** A run with its steps, as far as they are known. */
export interface RunView {
  readonly head: RunHead;
  readonly steps: readonly StepView[];
}

/** Pipelines from Temporal and the log folder; one of them may be missing. */
export class Runs {
  readonly events: EventIndex;
  readonly #connection: Connection;
  readonly #client: Client;
  readonly #watches = new Map<string, Watch>();
  /** Summaries of ended runs, which do not change. */
  readonly #summaries = new Map<string, RunSummary>();
  readonly #sweep: NodeJS.Timeout;
  #answers = false;

  constructor({ place, logDirectory }: RunsOptions) {
    this.events = new EventIndex(logDirectory);
    // Without the interceptors that retry: the page asks again soon and should not wait for a missing server.
    this.#connection = Connection.lazy({ address: place.address, interceptors: [] });
    this.#client = new Client({ connection: this.#connection, namespace: place.namespace });
    this.#sweep = setInterval(() => {
      this.#closeIdle();
    }, IDLE_MILLISECONDS).unref();
  }

  /** Whether Temporal answered the last request. */
  get temporalAnswers(): boolean {
    return this.#answers;
  }

  /** Runs; the one with the latest change is first. */
  async list(): Promise<RunSummary[]> {
    const [executions, logged] = await Promise.all([this.#executions(), this.events.runs()]);
    const logs = new Map(logged.map((run) => [run.runId, run]));
    const limit = pLimit(8);
    const known = await Promise.all(
      executions.flatMap((execution) =>
        execution.isContinued
          ? []
          : limit(async () => this.#summary(execution, logs.get(execution.runId)).catch(() => undefined)),
      ),
    );
    // Lists only the last of several runs that continue each other.
    const found = new Set(executions.map(({ runId }) => runId));
    const others = logged
      .filter(({ runId }) => !found.has(runId))
      .map((run) => summaryOf(viewOfLogs(run), run));
    return [...known.filter((summary) => summary !== undefined), ...others]
      .sort((a, b) => (a.last < b.last ? 1 : a.last > b.last ? -1 : 0))
      .slice(0, LISTED);
  }

  /** The current state of a run; undefined for an unknown one. */
  async view(runId: string): Promise<RunView | undefined> {
    const watch = await this.#watchOf(runId);
    if (watch !== undefined) return { head: watch.history.head, steps: watch.history.steps };
    const logged = await this.events.run(runId);
    return logged === undefined ? undefined : viewOfLogs(logged);
  }

  /** The current state of a step; undefined for an unknown one. */
  async step(runId: string, stepId: string): Promise<StepView | undefined> {
    const watch = this.#watches.get(runId);
    const step = watch?.history.isPipeline === true ? watch.history.step(stepId) : undefined;
    return step ?? (await this.view(runId))?.steps.find(({ id }) => id === stepId);
  }

  /** Yields a whole run, then its changes, until it ends or the signal is aborted. */
  async *changes(runId: string, signal: AbortSignal): AsyncGenerator<Change> {
    const watch = await this.#watchOf(runId);
    if (watch !== undefined) {
      yield* watch.changes(signal, CHANGE_MILLISECONDS);
      return;
    }
    const view = await this.view(runId);
    if (view !== undefined) yield { run: view.head, steps: [...view.steps] };
  }

  /** Requests the cancellation of a run. */
  async cancel(runId: string): Promise<"asked" | "over" | "unknown"> {
    const watch = await this.#watchOf(runId);
    if (watch === undefined) return "unknown";
    if (watch.history.isOver) return "over";
    await this.#client.workflow.getHandle(watch.execution.workflowId, runId).cancel();
    return "asked";
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    for (const watch of this.#watches.values()) watch.close();
    await this.#connection.close();
  }

  async #summary(execution: Execution, logged: IndexedRun | undefined): Promise<RunSummary | undefined> {
    const kept = this.#summaries.get(execution.runId);
    if (kept !== undefined) return kept;
    const watch = this.#watch(execution);
    if (!(await watch.complete(PATIENCE_MILLISECONDS)) || !watch.history.isPipeline) return undefined;
    const { head, steps, isOver: isDone } = watch.history;
    const summary = summaryOf({ head, steps }, logged);
    if (isDone) {
      this.#summaries.set(execution.runId, summary);
      const [oldest] = this.#summaries.keys();
      if (this.#summaries.size > KEPT_SUMMARIES && oldest !== undefined) this.#summaries.delete(oldest);
      // Keeps no steps for the list: a page that shows one run loads it.
      if (watch.isIdle) this.#close(watch);
    }
    return summary;
  }

  async #watchOf(runId: string): Promise<Watch | undefined> {
    const execution = this.#watches.get(runId)?.execution ?? (await this.#find(runId));
    if (execution === undefined) return undefined;
    const watch = this.#watch(execution);
    return (await watch.complete(PATIENCE_MILLISECONDS)) && watch.history.isPipeline ? watch : undefined;
  }

  #watch(execution: Execution): Watch {
    let watch = this.#watches.get(execution.runId);
    if (watch === undefined) {
      watch = new Watch(this.#client, execution);
      this.#watches.set(execution.runId, watch);
    }
    watch.asked = Date.now();
    return watch;
  }

  #close(watch: Watch): void {
    watch.close();
    this.#watches.delete(watch.execution.runId);
  }

  #closeIdle(): void {
    for (const watch of this.#watches.values())
      if (watch.isIdle && Date.now() - watch.asked > IDLE_MILLISECONDS) this.#close(watch);
  }

  async #find(runId: string): Promise<Execution | undefined> {
    if (!RUN_ID.test(runId)) return undefined;
    const [found] = await this.#query(`WorkflowType = '${PIPELINE_WORKFLOW}' AND RunId = '${runId}'`);
    return found;
  }

  #executions(): Promise<FoundExecution[]> {
    return this.#query(`WorkflowType = '${PIPELINE_WORKFLOW}'`);
  }

  async #query(query: string): Promise<FoundExecution[]> {
    try {
      const { executions } = await this.#client.withDeadline(Date.now() + PATIENCE_MILLISECONDS, () =>
        this.#client.workflowService.listWorkflowExecutions({
          namespace: this.#client.options.namespace,
          pageSize: LISTED,
          query,
        }),
      );
      this.#answers = true;
      return executions.flatMap(({ execution, status }) =>
        execution?.workflowId == null || execution.runId == null
          ? []
          : [
              {
                workflowId: execution.workflowId,
                runId: execution.runId,
                isContinued: Number(status) === CONTINUED_AS_NEW,
              },
            ],
      );
    } catch {
      this.#answers = false;
      return [];
    }
  }
}

const STATUS_OF: Readonly<Record<RunHead["state"], RunSummary["status"]>> = {
  running: "running",
  cancelling: "running",
  success: "success",
  failed: "failed",
  cancelled: "failed",
  terminated: "failed",
  unknown: "running",
};

function summaryOf({ head, steps }: RunView, logged: IndexedRun | undefined): RunSummary {
  const { workflowId, runId, state, startedAt, endedAt } = head;
  const own = new Date(endedAt ?? startedAt ?? 0).toISOString();
  return {
    ...{ workflowId, runId, state, startedAt, endedAt },
    last: logged === undefined || own > logged.last ? own : logged.last,
    progress: `${steps.filter(({ state: each }) => each !== "unknown" && isOver(each)).length}/${steps.length}`,
    status: STATUS_OF[state],
  };
}

/** A run, from the log folder alone. */
export function viewOfLogs(run: IndexedRun): RunView {
  const steps = [...run.latest.values()].map((event): StepView => {
    const begun = run.begun.get(event.stepId) ?? event;
    const isFinished = event.status === "step_finished";
    const isBad = event.exitCode !== 0;
    const startedAt = Date.parse(begun.timestamp);
    return {
      ...{
        id: event.stepId,
        runId: run.runId,
        name: event.stepName,
        type: "",
        dependsOn: [],
        queue: "",
        worker: "",
        progress: "",
      },
      state: !isFinished ? "unknown" : isBad ? "failed" : "success",
      reason:
        isFinished && isBad ? (event.message === "" ? `exit code ${event.exitCode}` : event.message) : "",
      ...{ attempt: 1, attempts: 0, scheduledAt: startedAt, startedAt },
      endedAt: isFinished ? Date.parse(event.timestamp) : null,
      exitCode: isFinished ? event.exitCode : null,
    };
  });
  const hasFailed = steps.some(({ state }) => state === "failed");
  const isOpen = steps.some(({ state }) => state === "unknown");
  return {
    head: {
      workflowId: run.workflowId,
      runId: run.runId,
      state: hasFailed ? "failed" : isOpen ? "unknown" : "success",
      startedAt: Date.parse(run.first),
      endedAt: isOpen ? null : Date.parse(run.last),
      failure: "",
      source: "logs",
    },
    steps,
  };
}
