import type { Payload } from "@temporalio/common";
import type { temporal } from "@temporalio/proto";
import { Schedule, type Decisions, type StepState } from "../schedule.ts";
import {
  actionResultSchema,
  decoded,
  inputSchema,
  milliseconds,
  outcomesSchema,
  progressOf,
  tryFailure,
  type Outcome,
  type PlannedStep,
} from "./payloads.ts";
import { isOver, type RunHead, type StepView } from "./view.ts";

export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
export type PendingActivity = temporal.api.workflow.v1.IPendingActivityInfo;

// From Temporal's protocol, temporal/api/enums/v1.
const PENDING_SCHEDULED = 1;

/**
 * A run, from its Temporal history, without a query to a worker. The history does not contain which steps are skipped: the
 * workflow's `Schedule` decides that again here.
 */
export class RunHistory {
  /** Grows with each change. */
  version: number;
  /** The run that this one continues; undefined for the first. */
  continues: string | undefined;
  /** Whether it has a plan of ours: others may use the same name of a workflow. */
  isPipeline = false;
  readonly #head: RunHead;
  readonly #steps = new Map<string, StepView>();
  readonly #versions = new Map<string, number>();
  /** Steps by the number of the event that scheduled them. */
  readonly #scheduled = new Map<string, string>();
  #schedule: Schedule<PlannedStep> | undefined;
  #earlier = new Map<string, Outcome>();

  constructor(workflowId: string, runId: string, version = 0) {
    this.version = version;
    this.#head = {
      ...{ workflowId, runId, state: "running", startedAt: null, endedAt: null },
      ...{ failure: "", source: "temporal" },
    };
  }

  get head(): RunHead {
    return { ...this.#head };
  }

  get isOver(): boolean {
    return this.#head.endedAt !== null;
  }

  get steps(): StepView[] {
    return [...this.#steps.values()];
  }

  /** Number of its steps. */
  get size(): number {
    return this.#steps.size;
  }

  step(id: string): StepView | undefined {
    return this.#steps.get(id);
  }

  /** The steps that changed after a version, in the order of the plan. */
  changedSince(version: number): StepView[] {
    return this.steps.filter(({ id }) => (this.#versions.get(id) ?? 0) > version);
  }

  /** Adds the next events of the history. */
  add(events: readonly HistoryEvent[]): void {
    const before = JSON.stringify(this.#head);
    for (const event of events) this.#take(event);
    if (JSON.stringify(this.#head) !== before) this.version += 1;
  }

  /** Adds the outcomes of steps from the run that this one continues. */
  inherit(earlier: RunHistory): void {
    this.version += 1;
    this.#head.startedAt = earlier.#head.startedAt;
    for (const step of earlier.#steps.values())
      if (step.endedAt !== null && isOver(step.state)) this.#change(step.id, step);
  }

  /** Adds running steps from Temporal: the history gets the start of a step only with its end. */
  addPending(activities: readonly PendingActivity[]): void {
    for (const activity of activities) {
      const step = this.#steps.get(activity.activityId ?? "");
      if (step === undefined || isOver(step.state)) continue;
      const attempt = activity.attempt ?? 1;
      const isWaiting = Number(activity.state) === PENDING_SCHEDULED;
      this.#change(step.id, {
        state: !isWaiting ? "running" : attempt > 1 ? "retrying" : "queued",
        attempt,
        worker: activity.lastWorkerIdentity ?? "",
        startedAt: milliseconds(activity.lastStartedTime),
        reason: activity.lastFailure == null ? "" : `try ${attempt - 1}: ${tryFailure(activity.lastFailure)}`,
        progress: progressOf(activity.heartbeatDetails?.payloads?.[0]),
      });
    }
  }

  #take(event: HistoryEvent): void {
    const at = milliseconds(event.eventTime);
    if (event.workflowExecutionStartedEventAttributes != null) {
      const { input, continuedExecutionRunId } = event.workflowExecutionStartedEventAttributes;
      this.#head.startedAt = at;
      if (continuedExecutionRunId != null && continuedExecutionRunId !== "")
        this.continues = continuedExecutionRunId;
      this.#begin(input?.payloads?.[0]);
    } else if (event.activityTaskScheduledEventAttributes != null) {
      const { activityId, taskQueue, retryPolicy } = event.activityTaskScheduledEventAttributes;
      const id = activityId ?? "";
      this.#scheduled.set(String(event.eventId), id);
      this.#change(id, {
        // Its result may have arrived before this event.
        ...(this.#steps.get(id)?.state === "waiting" && { state: "queued" }),
        scheduledAt: at,
        queue: taskQueue?.name ?? "",
        attempts: retryPolicy?.maximumAttempts ?? 0,
      });
    } else if (event.activityTaskStartedEventAttributes != null) {
      const { scheduledEventId, attempt, identity } = event.activityTaskStartedEventAttributes;
      const begun = { attempt: attempt ?? 1, worker: identity ?? "", startedAt: at };
      this.#change(this.#stepOf(scheduledEventId), { state: "running", ...begun });
    } else if (event.activityTaskCompletedEventAttributes != null) {
      const { scheduledEventId, result } = event.activityTaskCompletedEventAttributes;
      const { succeeded, exitCode, error } = actionResultSchema
        .catch({ succeeded: true, exitCode: 0, error: "" })
        .parse(decoded(result?.payloads?.[0]));
      const reason = succeeded ? "" : error === "" ? `exit code ${exitCode}` : error;
      this.#finish(
        this.#stepOf(scheduledEventId),
        succeeded ? "success" : "failed",
        { exitCode, reason },
        at,
      );
    } else if (event.activityTaskFailedEventAttributes != null) {
      const { scheduledEventId, failure } = event.activityTaskFailedEventAttributes;
      this.#finish(this.#stepOf(scheduledEventId), "failed", { reason: tryFailure(failure) }, at);
    } else if (event.activityTaskTimedOutEventAttributes != null) {
      const { scheduledEventId, failure } = event.activityTaskTimedOutEventAttributes;
      const reason = `${tryFailure(failure)}, and there are no more tries`;
      this.#finish(this.#stepOf(scheduledEventId), "failed", { reason }, at);
    } else if (event.activityTaskCanceledEventAttributes != null) {
      const { scheduledEventId } = event.activityTaskCanceledEventAttributes;
      this.#finish(this.#stepOf(scheduledEventId), "cancelled", { reason: "" }, at);
    } else if (event.workflowExecutionCancelRequestedEventAttributes != null) {
      this.#head.state = "cancelling";
    } else this.#end(event, at);
  }

  /** Fills in the plan. */
  #begin(input: Payload | undefined): void {
    const { data } = inputSchema.safeParse(decoded(input));
    if (data === undefined) return;
    this.isPipeline = true;
    const { plan, outcomes } = data;
    for (const { id, name, dependsOn, action, retry, queue } of plan.steps) {
      this.#versions.set(id, this.version + 1);
      this.#steps.set(id, {
        ...{ id, runId: this.#head.runId, name, type: action.type, dependsOn, state: "waiting", reason: "" },
        ...{ attempt: 0, attempts: retry.attempts, queue: queue ?? "", worker: "", progress: "" },
        ...{ scheduledAt: null, startedAt: null, endedAt: null, exitCode: null },
      });
    }
    this.#earlier = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
    this.#schedule = new Schedule(plan);
    this.#decide(this.#schedule.start());
  }

  #decide({ run, skip }: Decisions<PlannedStep>): void {
    for (const { id, reason } of skip) this.#change(id, { state: "skipped", reason });
    for (const { id } of run) {
      const outcome = this.#earlier.get(id);
      if (outcome === undefined || outcome.state === "skipped") continue;
      this.#conclude(outcome);
      if (this.#schedule !== undefined) this.#decide(this.#schedule.finish(id, outcome.state));
    }
  }

  #finish(
    id: string,
    state: Exclude<StepState, "skipped">,
    more: Partial<StepView>,
    endedAt: number | null,
  ): void {
    this.#change(id, { state, endedAt, progress: "", ...more });
    if (this.#steps.has(id) && this.#schedule !== undefined) this.#decide(this.#schedule.finish(id, state));
  }

  #end(event: HistoryEvent, at: number | null): void {
    const failed = event.workflowExecutionFailedEventAttributes;
    const completed = event.workflowExecutionCompletedEventAttributes;
    if (completed != null) this.#over("success", at, completed.result?.payloads?.[0]);
    else if (failed != null) {
      const { failure } = failed;
      const application = failure?.applicationFailureInfo;
      const isCancelled = application?.type === "Cancelled";
      this.#head.failure = isCancelled ? "" : (failure?.message ?? "");
      this.#over(isCancelled ? "cancelled" : "failed", at, application?.details?.payloads?.[0]);
    } else if (event.workflowExecutionTerminatedEventAttributes != null) {
      this.#head.failure = event.workflowExecutionTerminatedEventAttributes.reason ?? "";
      this.#over("terminated", at);
    } else if (event.workflowExecutionTimedOutEventAttributes != null) {
      this.#head.failure = "it took longer than Temporal's time limit";
      this.#over("failed", at);
    } else if (event.workflowExecutionCanceledEventAttributes != null) this.#over("cancelled", at);
    else if (event.workflowExecutionContinuedAsNewEventAttributes != null) {
      // Another run continues it.
      this.#head.state = "unknown";
      this.#head.endedAt = at;
    }
  }

  #over(state: RunHead["state"], at: number | null, result?: Payload): void {
    this.#head.state = state;
    this.#head.endedAt = at;
    for (const outcome of outcomesSchema.safeParse(decoded(result)).data?.steps ?? [])
      this.#conclude(outcome);
    for (const step of this.#steps.values())
      if (!isOver(step.state)) this.#change(step.id, { state: "cancelled", endedAt: at });
  }

  /** Adds an outcome in the workflow's form. */
  #conclude({ id, state, skipReason, result }: Outcome): void {
    const error = result?.error ?? "";
    const failure = state === "failed" ? (error === "" ? `exit code ${result?.exitCode ?? 0}` : error) : "";
    const exitCode = result !== undefined && error === "" ? result.exitCode : null;
    this.#change(id, { state, reason: skipReason === "" ? failure : skipReason, exitCode });
  }

  #stepOf(eventId: unknown): string {
    return this.#scheduled.get(String(eventId)) ?? "";
  }

  #change(id: string, change: Partial<StepView>): void {
    const before = this.#steps.get(id);
    if (before === undefined) return;
    const after = { ...before, ...change };
    if (JSON.stringify(after) === JSON.stringify(before)) return;
    this.#steps.set(id, after);
    this.version += 1;
    this.#versions.set(id, this.version);
  }
}
