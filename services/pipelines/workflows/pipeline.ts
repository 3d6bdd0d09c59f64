import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
  TimeoutFailure,
  workflowInfo,
} from "@temporalio/workflow";
import type * as activities from "../activities/index.ts";
import type { Plan, Step } from "../plan/index.ts";
import {
  STATUS_QUERY,
  STEP_FAILED,
  type ActionResult,
  type PipelineResult,
  type StepOutcome,
  type StepStatus,
} from "../result.ts";
import { Schedule, type Decisions } from "../schedule.ts";

/** The input of a pipeline. */
export interface PipelineInput {
  readonly plan: Plan;
  /** Outcomes of steps from before the run was continued as a new one. */
  readonly outcomes?: readonly StepOutcome[];
}

export const statusQuery = defineQuery<readonly StepStatus[]>(STATUS_QUERY);

// Activities send a heartbeat every 5 s; without one for this long, the worker counts as lost.
const HEARTBEAT_SECONDS = 30;
// Temporal limits a payload to 2 MiB. The texts of all results, which may not compress, have to stay well below that.
const TEXT_BUDGET = 1024 * 1024;
// Temporal refuses more than 2,000 concurrent activities of one workflow, and is slow long before that: when one begins, it reads all
// that were scheduled together.
const MOST_AT_A_TIME = 500;

/** Runs a plan: each step as soon as it can, on any worker. */
export async function Pipeline({ plan, outcomes: earlier = [] }: PipelineInput): Promise<PipelineResult> {
  return new Run(plan, earlier).toEnd();
}

class Run {
  readonly #plan: Plan;
  readonly #names: ReadonlyMap<string, string>;
  readonly #schedule: Schedule;
  readonly #outcomes = new Map<string, StepOutcome>();
  readonly #running = new Set<string>();
  readonly #scope = new CancellationScope();
  #texts = TEXT_BUDGET;
  #failed: Step | undefined;
  #cancelled = false;
  #draining = false;
  /** Steps that wait until the run continues with a new history. */
  #held: Step[] = [];

  constructor(plan: Plan, earlier: readonly StepOutcome[]) {
    this.#plan = plan;
    this.#names = new Map(plan.steps.map(({ id, name }) => [id, name]));
    this.#schedule = new Schedule({ steps: plan.steps, maxParallel: mostAtATime(plan) });
    for (const outcome of earlier) this.#outcomes.set(outcome.id, outcome);
    setHandler(statusQuery, () => plan.steps.map((step) => this.#statusOf(step)));
  }

  async toEnd(): Promise<PipelineResult> {
    try {
      await this.#scope.run(async () => {
        this.#take(this.#schedule.start());
        await condition(() => this.#running.size === 0);
      });
    } catch (error) {
      if (!isCancellation(error)) throw error;
      // Either a failed step cancelled the others, or a user cancelled the pipeline.
      this.#cancelled = this.#failed === undefined;
    }
    // Cancelled steps still have to stop their processes and containers.
    await CancellationScope.nonCancellable(async () => {
      await condition(() => this.#running.size === 0);
    });
    if (this.#failed === undefined && !this.#cancelled && this.#wantsAnotherHistory())
      await continueAsNew<typeof Pipeline>({ plan: this.#plan, outcomes: [...this.#outcomes.values()] });
    return this.#conclude();
  }

  #wantsAnotherHistory(): boolean {
    if (!this.#draining || this.#held.length > 0) return this.#draining;
    // Histories from before this marker continued as a new run that only ended.
    return !patched("ends-where-no-step-is-held");
  }

  #conclude(): PipelineResult {
    const steps = this.#plan.steps.flatMap(({ id }) => this.#outcomes.get(id) ?? []);
    if (this.#failed !== undefined) {
      const { id } = this.#failed;
      const error = this.#outcomes.get(id)?.result?.error ?? "";
      const message = `step ${id}: ${error === "" ? "step returned non-zero exit code" : error}`;
      throw ApplicationFailure.create({
        message,
        type: STEP_FAILED,
        nonRetryable: true,
        details: [{ succeeded: false, steps }],
      });
    }
    if (this.#cancelled)
      throw ApplicationFailure.create({
        message: "cancelled",
        type: "Cancelled",
        nonRetryable: true,
        details: [{ succeeded: false, steps }],
      });
    return { succeeded: true, steps };
  }

  #take({ run, skip }: Decisions): void {
    for (const { id, reason } of skip) this.#record(id, { state: "skipped", skipReason: reason });
    for (const step of run) {
      const before = this.#outcomes.get(step.id);
      if (before !== undefined) this.#take(this.#schedule.finish(step.id, stateOf(before)));
      else if (this.#draining) this.#held.push(step);
      else this.#begin(step);
    }
  }

  #begin(step: Step): void {
    this.#running.add(step.id);
    void this.#perform(step).then(({ state, result }) => {
      this.#running.delete(step.id);
      this.#record(step.id, { state, ...(result !== undefined && { result }) });
      if (workflowInfo().continueAsNewSuggested) this.#draining = true;
      if (state === "failed" && !step.allowFailure && this.#failed === undefined) {
        this.#failed = step;
        this.#scope.cancel();
      }
      if (this.#scope.consideredCancelled) this.#abandon();
      this.#take(this.#schedule.finish(step.id, state));
    });
  }

  async #perform(step: Step): Promise<{ state: "success" | "failed" | "cancelled"; result?: ActionResult }> {
    try {
      const result = this.#within(await activityOf(this.#plan, step));
      return { state: result.succeeded ? "success" : "failed", result };
    } catch (error) {
      if (isCancellation(error)) return { state: "cancelled" };
      return { state: "failed", result: errorResult(step, error) };
    }
  }

  /** Ends the steps that never began, in the documented way: without an outcome. */
  #abandon(): void {
    for (const { id } of this.#schedule.stop()) {
      if (!this.#outcomes.has(id)) this.#record(id, { state: "cancelled" });
    }
  }

  #record(id: string, rest: Partial<StepOutcome> & Pick<StepOutcome, "state">): void {
    this.#outcomes.set(id, { id, name: this.#names.get(id) ?? id, skipReason: "", ...rest });
  }

  /** The result, with texts short enough for the history. */
  #within(result: ActionResult): ActionResult {
    const stdout = result.stdout.slice(0, this.#texts);
    const stderr = result.stderr.slice(0, Math.max(0, this.#texts - stdout.length));
    this.#texts -= stdout.length + stderr.length;
    return {
      ...result,
      stdout,
      stderr,
      stdoutTruncated: result.stdoutTruncated || stdout.length < result.stdout.length,
      stderrTruncated: result.stderrTruncated || stderr.length < result.stderr.length,
    };
  }

  #statusOf({ id, name, dependsOn, action }: Step): StepStatus {
    const outcome = this.#outcomes.get(id);
    const reason =
      outcome === undefined ? "" : outcome.skipReason !== "" ? outcome.skipReason : failureOf(outcome);
    const state = outcome?.state ?? (this.#running.has(id) ? "running" : "waiting");
    return { id, name, type: action.type, dependsOn, state, reason };
  }
}

function mostAtATime({ steps, maxParallel = Number.POSITIVE_INFINITY }: Plan): number {
  if (steps.length <= MOST_AT_A_TIME || maxParallel <= MOST_AT_A_TIME) return maxParallel;
  // Histories from before this marker started all steps at once.
  return patched(`at-most-${MOST_AT_A_TIME}-at-a-time`) ? MOST_AT_A_TIME : maxParallel;
}

function stateOf({ state }: StepOutcome): "success" | "failed" | "cancelled" {
  return state === "skipped" ? "cancelled" : state;
}

function failureOf({ state, result }: StepOutcome): string {
  if (state !== "failed" || result === undefined) return "";
  return result.error === "" ? `exit code ${result.exitCode}` : result.error;
}

function activityOf(plan: Plan, step: Step): Promise<ActionResult> {
  const proxy = proxyActivities<typeof activities>({
    activityId: step.id,
    summary: step.name,
    ...(step.queue !== undefined && { taskQueue: step.queue }),
    startToCloseTimeout: step.timeoutSeconds * 1000,
    heartbeatTimeout: `${HEARTBEAT_SECONDS} s`,
    cancellationType: "WAIT_CANCELLATION_COMPLETED",
    retry: {
      maximumAttempts: step.retry.attempts,
      initialInterval: step.retry.initialSeconds * 1000,
      backoffCoefficient: step.retry.factor,
      maximumInterval: Math.max(step.retry.maxSeconds, step.retry.initialSeconds) * 1000,
    },
  });
  const { id: stepId, name: stepName, env, workingDir, action } = step;
  const input = {
    ...{ stepId, stepName, env },
    ...(plan.logDir !== undefined && { logDir: plan.logDir }),
    ...(workingDir !== undefined && { workingDir }),
  };
  switch (action.type) {
    case "command":
      return proxy.RunCommand({ ...input, action });
    case "package_build":
      return proxy.PackageBuild({ ...input, action });
    case "download":
      return proxy.DownloadFile({ ...input, action });
    case "docker_build":
      return proxy.DockerBuild({ ...input, action });
    case "docker_push":
      return proxy.DockerPush({ ...input, action });
    case "container_job":
      return proxy.ContainerJob({ ...input, action });
    case "hf_download_dataset":
      return proxy.HFDownloadDataset({ ...input, action });
    case "hf_download_model":
      return proxy.HFDownloadModel({ ...input, action });
  }
}

/** The result of a step that could not be run: in the documented form, without paths and with exit code 0. */
function errorResult(step: Step, error: unknown): ActionResult {
  return {
    name: step.name,
    exitCode: 0,
    ...{ stdout: "", stderr: "", stdoutPath: "", stderrPath: "", structuredPath: "" },
    ...{ stdoutTruncated: false, stderrTruncated: false, succeeded: false, durationSec: 0 },
    error: messageOf(error),
  };
}

function messageOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure)
    return cause.timeoutType === "HEARTBEAT"
      ? "its worker was lost, and there are no more tries"
      : "it took longer than timeout_seconds";
  return cause instanceof Error ? cause.message : String(cause);
}
