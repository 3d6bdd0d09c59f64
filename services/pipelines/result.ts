import type { StepState } from "./schedule.ts";

/** Where a step's output lies on the worker that ran it. */
export interface LogPaths {
  readonly stdoutPath: string;
  readonly stderrPath: string;
  readonly structuredPath: string;
}

/** What a step that could be done came to. An exit code other than 0 is a result, not an error. */
export interface ActionResult extends LogPaths {
  readonly name: string;
  readonly exitCode: number;
  /** The beginning of its output, as much as a history may hold. */
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
  readonly succeeded: boolean;
  readonly durationSec: number;
  /** Why it could not be done; empty where it could. */
  readonly error: string;
}

/** What became of a step. */
export interface StepOutcome {
  readonly id: string;
  readonly name: string;
  readonly state: StepState;
  /** Why it did not run; empty where it did. */
  readonly skipReason: string;
  /** Undefined where it never ran. */
  readonly result?: ActionResult;
}

/** What became of a pipeline, steps in the order of the plan. */
export interface PipelineResult {
  /** True also where steps failed that may. */
  readonly succeeded: boolean;
  readonly steps: readonly StepOutcome[];
}

/** A step as the query `status` tells of it. */
export interface StepStatus {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly dependsOn: readonly string[];
  readonly state: StepState | "waiting" | "running";
  /** Why it was skipped, or what its failure was; empty else. */
  readonly reason: string;
}

export const PIPELINE_WORKFLOW = "Pipeline";
export const STATUS_QUERY = "status";
/** Type of the failure of a pipeline whose step failed; its details hold the `PipelineResult`. */
export const STEP_FAILED = "StepFailed";
