import { stripVTControlCharacters } from "node:util";
import { ApplicationFailure, Context } from "@temporalio/activity";
import { StepLog, type Head, type LogLimits } from "../logs/step-log.ts";
import type { ActionResult } from "../result.ts";
import { keepContact, temporalLost } from "./contact.ts";
import { runProcess } from "./process.ts";

/** The input of an activity. */
export interface StepInput<Action> {
  readonly stepId: string;
  readonly stepName: string;
  /** Default: the worker's own. */
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
  /** Texts that logs must not show. */
  readonly secrets?: readonly string[];
  /** Whether its last line is its progress. */
  readonly tellsProgress?: boolean;
}

const LIMITS: LogLimits = { head: 10_000, file: 512 * 1024 * 1024 };
const LONGEST_PROGRESS = 200;
const HEARTBEAT_MILLISECONDS = 5000;
const NOTHING: Head = { text: "", isCut: false };

/** The result of a step's work. */
interface Done {
  readonly exitCode: number;
  readonly stdout: Head;
  readonly stderr: Head;
}

/** Signals that end the work of a step. */
interface Ends {
  /** The step is cancelled, has timed out, or must stop at once. */
  readonly signal: AbortSignal;
  /** The step must stop at once: another worker is about to start it. */
  readonly killSignal: AbortSignal;
}

/**
 * Runs one attempt of a step, with its logs, events and heartbeats.
 * @param message text of the event `step_started`
 * @param progress the step's progress, read at each heartbeat
 */
export async function performStep<Action>(
  { stepId, stepName, logDir }: StepInput<Action>,
  message: string,
  work: (log: StepLog, ends: Ends) => Promise<Done>,
  progress: (log: StepLog) => unknown = () => null,
): Promise<ActionResult> {
  const context = Context.current();
  const { workflowExecution, attempt } = context.info;
  const { workflowId = "", runId = "" } = workflowExecution ?? {};
  const started = performance.now();
  const log = new StepLog({ workflowId, runId, stepId, stepName }, logDir, logLimits());
  const killSignal = temporalLost();
  const signal = AbortSignal.any([context.cancellationSignal, killSignal]);
  // Heartbeats show that this worker is alive, and their replies carry cancellations.
  const beat = setInterval(() => {
    context.heartbeat(log.failure === undefined ? progress(log) : incomplete(log.failure));
    void keepContact(context.client);
  }, HEARTBEAT_MILLISECONDS);
  const seconds = (): number => (performance.now() - started) / 1000;
  const close = async (exitCode: number, text: string): Promise<string> => {
    await log.close();
    await log.event("step_finished", { exitCode, durationSec: seconds(), message: text });
    if (log.failure === undefined) return "";
    // The log is incomplete, so the worker's output and the result say so.
    process.stderr.write(`step ${stepId} of ${workflowId}: ${incomplete(log.failure)}\n`);
    return `[${incomplete(log.failure)}]\n`;
  };
  try {
    await log.event("step_started", { message: attempt === 1 ? message : `${message} (attempt ${attempt})` });
    const { exitCode, stdout, stderr } = await work(log, { signal, killSignal });
    const warning = await close(exitCode, "");
    return {
      ...log.paths,
      name: stepName,
      exitCode,
      stdout: stdout.text,
      stderr: stderr.text + warning,
      stdoutTruncated: stdout.isCut,
      stderrTruncated: stderr.isCut,
      succeeded: exitCode === 0,
      durationSec: seconds(),
      error: "",
    };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    await close(-1, text);
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

/** Runs a step that is a program. */
export function performProgram<Action>(
  input: StepInput<Action>,
  { program, args, env = {}, secrets = [], tellsProgress = false }: Program,
): Promise<ActionResult> {
  if (program === "") throw ApplicationFailure.nonRetryable("command is required");
  return performStep(
    input,
    program,
    (log, ends) =>
      runProcess({
        program,
        args,
        env: { ...process.env, ...input.env, ...env },
        cwd: input.workingDir,
        log,
        ...ends,
        secrets,
      }),
    ({ lastLine }) => (tellsProgress ? stripVTControlCharacters(lastLine).slice(0, LONGEST_PROGRESS) : null),
  );
}

/** Runs a step inside the worker; its output is one line. */
export function performQuietly<Action>(
  input: StepInput<Action>,
  work: (progress: (details: unknown) => void, signal: AbortSignal) => Promise<string>,
): Promise<ActionResult> {
  let details: unknown = null;
  return performStep(
    input,
    "",
    async (log, { signal }) => {
      const line = await work((next) => {
        details = next;
      }, signal);
      await log.say("stdout", line);
      return { exitCode: 0, stdout: { text: `${line}\n`, isCut: false }, stderr: NOTHING };
    },
    () => details,
  );
}

function incomplete({ message }: Error): string {
  return `the log is not whole: ${message}`;
}

/** The limits from the worker's environment. */
function logLimits(): LogLimits {
  return {
    head: positive(process.env.TEMPORAL_LOG_MAX_BYTES) ?? LIMITS.head,
    file: positive(process.env.TEMPORAL_LOG_FILE_MAX_BYTES) ?? LIMITS.file,
  };
}

function positive(text: string | undefined): number | undefined {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}
