import { ApplicationFailure, Context } from "@temporalio/activity";
import { StepLog, type Head } from "../logs/step-log.ts";
import type { ActionResult } from "../result.ts";
import { runProcess } from "./process.ts";

/** What the workflow tells an activity besides what is to be done. */
export interface StepInput<Action> {
  readonly stepId: string;
  readonly stepName: string;
  /** Undefined: the worker's own. */
  readonly logDir?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly action: Action;
}

/** A program to run for a step. */
export interface Program {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the worker's environment and the step's. */
  readonly env?: Readonly<Record<string, string>>;
}

const HEAD_BYTES = 10_000;
const HEARTBEAT_MILLISECONDS = 5000;
const NOTHING: Head = { text: "", isCut: false };

/** What the work of a step comes to. */
interface Done {
  readonly exitCode: number;
  readonly stdout: Head;
  readonly stderr: Head;
}

/**
 * Does one try of a step with its logs, events and heartbeats around it.
 * @param message what the event of its beginning says
 */
export async function performStep<Action>(
  { stepId, stepName, logDir }: StepInput<Action>,
  message: string,
  work: (log: StepLog, progress: (details: unknown) => void) => Promise<Done>,
): Promise<ActionResult> {
  const context = Context.current();
  const { workflowExecution, attempt } = context.info;
  const owner = {
    workflowId: workflowExecution?.workflowId ?? "",
    runId: workflowExecution?.runId ?? "",
    stepId,
    stepName,
  };
  const started = performance.now();
  const log = new StepLog(owner, logDir, headBytes());
  let details: unknown = null;
  // Without heartbeats nobody would know that this worker is gone, nor could the step be cancelled.
  const beat = setInterval(() => {
    context.heartbeat(details);
  }, HEARTBEAT_MILLISECONDS);
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    await log.event("step_started", { message: attempt === 1 ? message : `${message} (attempt ${attempt})` });
    const { exitCode, stdout, stderr } = await work(log, (next) => {
      details = next;
    });
    await log.close();
    await log.event("step_finished", { exitCode, durationSec: seconds() });
    return {
      ...log.paths,
      name: stepName,
      exitCode,
      stdout: stdout.text,
      stderr: stderr.text,
      stdoutTruncated: stdout.isCut,
      stderrTruncated: stderr.isCut,
      succeeded: exitCode === 0,
      durationSec: seconds(),
      error: "",
    };
  } catch (error) {
    await log.close();
    const failure = log.failure ?? error;
    const text = failure instanceof Error ? failure.message : String(failure);
    // A full disk takes no event either, and that is no other failure.
    await log
      .event("step_finished", { exitCode: -1, durationSec: seconds(), message: text })
      .catch(() => undefined);
    context.cancellationSignal.throwIfAborted();
    throw ApplicationFailure.create({
      message: text,
      type: "StepError",
      ...(error instanceof Error && { cause: error }),
    });
  } finally {
    clearInterval(beat);
  }
}

/** A step that is a program. */
export function performProgram<Action>(
  input: StepInput<Action>,
  { program, args, env = {} }: Program,
  secrets: readonly string[] = [],
): Promise<ActionResult> {
  if (program === "") throw ApplicationFailure.nonRetryable("command is required");
  return performStep(input, program, (log) =>
    runProcess({
      program,
      args,
      env: { ...process.env, ...input.env, ...env },
      cwd: input.workingDir,
      log,
      signal: Context.current().cancellationSignal,
      secrets,
    }),
  );
}

/** A step that is done by the worker itself and says so in a line. */
export function performQuietly<Action>(
  input: StepInput<Action>,
  work: (progress: (details: unknown) => void, signal: AbortSignal) => Promise<string>,
): Promise<ActionResult> {
  return performStep(input, "", async (log, progress) => {
    const line = await work(progress, Context.current().cancellationSignal);
    await log.say("stdout", line);
    return { exitCode: 0, stdout: { text: `${line}\n`, isCut: false }, stderr: NOTHING };
  });
}

function headBytes(): number {
  const wanted = Number(process.env.TEMPORAL_LOG_MAX_BYTES);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : HEAD_BYTES;
}
