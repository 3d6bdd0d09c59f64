import pLimit from "p-limit";
import { UserError } from "../../config/errors.ts";
import { ProviderError } from "../../providers/framework/resource.ts";
import type { RunOptions } from "../engine.ts";
import {
  lossOf,
  type EngineEvent,
  type Operation as OperationName,
  type ShownDiff,
  type Summary,
} from "../events.ts";
import type { Operation } from "../../providers/framework/provider.ts";
import type { Providers } from "./providers.ts";
import { Redaction } from "./redaction.ts";
import type { StackState } from "./state.ts";
import { nameOf, typeOf } from "../../wire/urn.ts";

export interface WorkOptions extends RunOptions {
  readonly project: string;
  /** The project's folder. */
  readonly root: string;
  readonly state: StackState;
  readonly providers: Providers;
  readonly preview: boolean;
}

/** Thrown for work that was requested after a failure. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** One run of the engine: performs, reports and counts operations, a limited number at a time, and stops after a failure. */
export class Work {
  readonly options: WorkOptions;
  readonly redaction = new Redaction();
  /** The packages without a provider in this engine, by URN or token of what needs them. */
  readonly unchecked = new Map<string, string>();
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #summary: Partial<Record<OperationName, number>> = {};
  #failure: Error | undefined;

  constructor(options: WorkOptions) {
    this.options = options;
    this.#limit = pLimit(options.parallel);
    for (const { inputs, outputs } of options.state.resources) this.redaction.learn(inputs, outputs);
    const interrupt = (): void => {
      this.fail(new UserError("interrupted; run the same command again to continue"));
    };
    // The signal may have come between two runs of one command.
    if (options.signal.aborted) interrupt();
    else options.signal.addEventListener("abort", interrupt);
  }

  get summary(): Summary {
    return this.#summary;
  }

  /** The first failure; nothing new starts after it. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  fail(error: Error): void {
    this.#failure ??= error;
  }

  stopIfFailed(): void {
    if (this.#failure !== undefined) throw new Stopped("stopped after a failure");
  }

  /** Runs `task` when fewer than `parallel` others run. */
  limited<Result>(task: () => Promise<Result>): Promise<Result> {
    return this.#limit(task);
  }

  /** Performs an operation and reports its start and end. `counts` is false for half of a replacement. */
  async perform<Result>(
    urn: string,
    operation: OperationName,
    diffs: readonly ShownDiff[],
    task: (context: Operation) => Promise<Result>,
    counts = true,
  ): Promise<Result> {
    const start = performance.now();
    this.emit({ type: "started", urn, operation, diffs, checked: true, ...this.#loss(urn, operation) });
    const result = await task(this.operation(urn));
    if (counts) this.count(operation);
    this.emit({ type: "done", urn, operation, seconds: (performance.now() - start) / 1000 });
    return result;
  }

  readonly operation = (urn: string): Operation => {
    const log = (line: string): void => {
      this.emit({ type: "log", urn, level: "info", line });
    };
    return { urn, signal: this.options.signal, log };
  };

  /** Reports an operation that is not performed: in a preview, or a difference that a refresh found. */
  plan(urn: string, operation: OperationName, diffs: readonly ShownDiff[]): void {
    this.count(operation);
    const checked = !this.unchecked.has(urn);
    this.emit({ type: "planned", urn, operation, diffs, checked, ...this.#loss(urn, operation) });
  }

  #loss(urn: string, operation: OperationName): { loss?: string } {
    const old = this.options.state.find(urn);
    if (old === undefined || (operation !== "replace" && operation !== "delete")) return {};
    const loss = lossOf(old.type, old.inputs);
    return loss === undefined ? {} : { loss };
  }

  count(operation: OperationName): void {
    this.#summary[operation] = (this.#summary[operation] ?? 0) + 1;
  }

  /** Reports a failure and stops the run; returns the error to throw. */
  failed(urn: string, operation: OperationName, error: unknown): Error {
    const failure = error instanceof Error ? error : new Error(String(error));
    const expected = failure instanceof UserError || failure instanceof ProviderError;
    const message = expected ? failure.message : (failure.stack ?? failure.message);
    this.emit({ type: "failed", urn, operation, message });
    this.fail(new UserError(`${typeOf(urn)} ${nameOf(urn)} failed`));
    return failure;
  }

  /** Passes an event on, without known secrets. */
  readonly emit = (event: EngineEvent): void => {
    if (event.type === "log") this.options.emit({ ...event, line: this.redaction.apply(event.line) });
    else if (event.type === "failed")
      this.options.emit({ ...event, message: this.redaction.apply(event.message) });
    else this.options.emit(event);
  };
}
