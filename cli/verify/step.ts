import type { ProgramResult } from "../doctor/host.ts";

/** How a step ended. `not tried` proves nothing: this host cannot run the step, or an earlier step failed. */
export type Status = "passed" | "failed" | "not tried";

/** The result of one step. */
export interface Result {
  /** What the step proves, in a few words: `console log`, `reset method`. */
  readonly step: string;
  /** What the step is about: a device's address, a machine, a GPU; undefined: the host. */
  readonly subject?: string;
  readonly status: Status;
  readonly found: string;
  readonly remedy?: string;
  readonly seconds: number;
  /** A program's own output, for readers who want to check the finding. */
  readonly evidence?: string;
}

/** A result without the step's name and time. */
export type Outcome = Pick<Result, "status" | "found" | "remedy" | "evidence">;

export function passed(found: string, evidence?: string): Outcome {
  return { status: "passed", found, ...(evidence !== undefined && { evidence }) };
}

export function failed(found: string, remedy: string, evidence?: string): Outcome {
  return { status: "failed", found, remedy, ...(evidence !== undefined && { evidence }) };
}

export function notTried(found: string): Outcome {
  return { status: "not tried", found };
}

/** The outcome of a step that needs a running stack. */
export const STACK_IS_DOWN = notTried("the stack is not up: run `ai-how up`, then verify again");

/** Runs and times a step. An exception fails this step only: the next steps still run. */
export async function attempt(
  step: string,
  subject: string | undefined,
  work: () => Outcome | Promise<Outcome>,
): Promise<Result> {
  const began = performance.now();
  let outcome: Outcome;
  try {
    outcome = await work();
  } catch (error) {
    outcome = failed(
      error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error),
      "see above",
    );
  }
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  return { step, ...(subject !== undefined && { subject }), ...outcome, seconds };
}

/** The last line of a program's output, for a report. */
export function lastLine(result: ProgramResult): string {
  if (result.kind === "missing") return "not installed, or the machine does not answer";
  return result.output.split("\n").findLast((line) => line.trim() !== "") ?? `exit code ${result.exitCode}`;
}

/** True if the program ran and ended with exit code 0. */
export function succeeded(
  result: ProgramResult,
): result is Extract<ProgramResult, { kind: "ended" }> & { exitCode: 0 } {
  return result.kind === "ended" && result.exitCode === 0;
}
