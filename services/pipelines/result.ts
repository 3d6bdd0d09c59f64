import type { StepState } from "./schedule.ts";

/** Paths of a step's output on the worker that ran it. */
export interface LogPaths {
  readonly stdoutPath: string;
  readonly stderrPath: string;
  readonly structuredPath: string;
}

/** The result of a step that could be run. An exit code other than 0 is a result, not an error. */
export interface ActionResult extends LogPaths {
  readonly name: string;
  readonly exitCode: number;
  /** The beginning of its output, limited so that it fits into a history. */
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
  readonly succeeded: boolean;
  readonly durationSec: number;
  /** Why it could not be run; otherwise empty. */
  readonly error: string;
}

/** The outcome of a step. */
export interface StepOutcome {
  readonly id: string;
  readonly name: string;
  readonly state: StepState;
  /** Why it was skipped; otherwise empty. */
  readonly skipReason: string;
  /** Undefined if it never ran. */
  readonly result?: ActionResult;
}

/** The result of a pipeline, with its steps in the order of the plan. */
export interface PipelineResult {
  /** Also true if only steps with `allow_failure` failed. */
  readonly succeeded: boolean;
  readonly steps: readonly StepOutcome[];
}

/** A step in the answer to the query `status`. */
export interface StepStatus {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly dependsOn: readonly string[];
  readonly state: StepState | "waiting" | "running";
  /** Why it was skipped or failed; otherwise empty. */
  readonly reason: string;
}

export const PIPELINE_WORKFLOW = "Pipeline";
export const STATUS_QUERY = "status";
/** Type of the failure of a pipeline whose step failed; its details hold the `PipelineResult`. */
export const STEP_FAILED = "StepFailed";
